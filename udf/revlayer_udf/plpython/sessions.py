"""Loaded models, kept for the life of a backend.

A version names its artefact by hash, so a kept session is never stale: another champion has another version, and the
functions that are installed for it ask for that.
"""

from collections.abc import Callable, Sequence
from math import isfinite
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from revlayer_udf import queries
from revlayer_udf.errors import ArtefactError, FeatureError, RegistryError
from revlayer_udf.manifest import RUNG_OUTPUT, Manifest
from revlayer_udf.runtime import Inputs, Scorer, text_objects

KEPT = "revlayer"
_SQL = queries.load("revlayer_udf", "plpython/sessions.sql")
_TYPES = {"number": pa.float64(), "text": pa.string()}


class Predictor:
    """Scores plain Python values with one loaded model.

    Args:
        scorer: its manifest gives the order of the values.
    """

    def __init__(self, scorer: Scorer) -> None:
        manifest = scorer.manifest
        self._scorer = scorer
        self._manifest = manifest
        self._outputs = list(manifest.predictions)
        self._numbers = _picker(manifest, "number") if manifest.numbers else None
        self._texts = _picker(manifest, "text") if manifest.texts else None

    def row(self, arguments: Sequence[Any]) -> tuple[Any, ...]:
        """Score one row; the same bits as ``rows``, without making a table of it.

        Raises:
            PredictionError: a prediction is not finite.
        """
        if RUNG_OUTPUT in self._outputs:
            return self._row_by_table(arguments)
        feeds: dict[str, np.ndarray] = {}
        if self._numbers is not None:
            with np.errstate(over="ignore"):  # beyond float32 is infinite, for every engine
                feeds["numeric"] = np.array([self._numbers(arguments)], np.float32)  # None becomes NaN
        if self._texts is not None:
            feeds["categorical"] = np.array([[text or "" for text in self._texts(arguments)]], object)
        values: list[Any] = []
        for array in self._scorer.run(feeds, self._outputs):
            values += array.ravel().tolist()
        return tuple(values) if all(map(isfinite, values)) else self._row_by_table(arguments)

    def _row_by_table(self, arguments: Sequence[Any]) -> tuple[Any, ...]:
        """Go the long way, which reads rungs and says what is not finite."""
        return tuple(column[0] for column in self.rows([[value] for value in arguments]))

    def rows(self, arrays: Sequence[Sequence[Any] | None]) -> tuple[list[Any], ...]:
        """Score N rows given as one list per feature, None for an unknown one; return one list [N] per prediction.

        Raises:
            FeatureError: the lists differ in length, or are nested.
            PredictionError: a prediction is not finite.
        """
        found = self._scorer.score(inputs(self._manifest, arrays), self._outputs)
        return tuple(column.tolist() for name in self._outputs for column in np.atleast_2d(found[name].T))


class Explainer:
    """Splits one row's raw score by feature.

    Args:
        artefact, manifest: with a raw score that can be split.

    Raises:
        UnexplainedError: it cannot, and why.
    """

    def __init__(self, artefact: bytes, manifest: Manifest) -> None:
        from revlayer_udf.reasons import ReasonScorer  # only a backend that asks for reasons loads this

        self._manifest = manifest
        self._scorer = ReasonScorer(artefact, manifest)

    def row(self, arguments: Sequence[Any]) -> tuple[Any, ...]:
        """Return base score, raw score, then label and contribution of the three largest."""
        found = self._scorer.score(inputs(self._manifest, [[value] for value in arguments]), [])
        reasons = [column[0].as_py() for column in found.top().columns().values()]
        return (float(found.base_score[0]), float(found.raw_score[0]), *reasons)


def inputs(manifest: Manifest, arrays: Sequence[Sequence[Any] | None]) -> Inputs:
    """Make a model's inputs of one list per feature, in the order of the manifest.

    Raises:
        FeatureError: the lists differ in length, or are nested.
    """
    lengths = {len(values) for values in arrays if values is not None}
    if len(lengths) > 1:
        raise FeatureError(
            f"{manifest.model_version}: the arrays have {min(lengths)} to {max(lengths)} elements",
            "Give every feature an array of the same rows in the same order, or leave it out.",
        )
    count = lengths.pop() if lengths else 0
    numeric = np.empty((count, len(manifest.numbers)), np.float32)
    texts: list[pa.Array] = []
    number = 0
    for feature, values in zip(manifest.features, arrays, strict=True):
        try:
            column = pa.array([None] * count if values is None else values, _TYPES[feature.type])
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise FeatureError(
                f"{manifest.model_version}: {feature.name} is no list of {feature.type}s: {error}",
                "Give one-dimensional arrays.",
            ) from None
        if feature.type == "text":
            texts.append(column)
            continue
        with np.errstate(over="ignore"):  # beyond float32 is infinite, for every engine
            numeric[:, number] = column.to_numpy(zero_copy_only=False)  # null becomes NaN
        number += 1
    return Inputs(count, numeric, text_objects(texts, count), lambda row: f"(element {row + 1} of the arrays)")


def predictor(GD: dict, plpy: Any, model_version: str) -> Predictor:  # noqa: N803
    """Return the backend's predictor of a model, loading it on the first call.

    Raises:
        RegistryError: the model is gone.
        ArtefactError: it was changed after it was registered.
    """
    try:
        kept: Predictor = GD[KEPT][model_version]
        return kept
    except KeyError:
        return _load(GD, plpy, model_version, lambda artefact, manifest: Predictor(Scorer(artefact, manifest)))


def explainer(GD: dict, plpy: Any, model_version: str) -> Explainer:  # noqa: N803
    """Return the backend's explainer of a model; raises as ``predictor``, and where the score cannot be split."""
    try:
        kept: Explainer = GD[KEPT][f"{model_version} explained"]
        return kept
    except KeyError:
        return _load(GD, plpy, model_version, Explainer, " explained")


Loaded = TypeVar("Loaded", Predictor, Explainer)


def _load(
    GD: dict,  # noqa: N803
    plpy: Any,
    model_version: str,
    make: Callable[[bytes, Manifest], Loaded],
    suffix: str = "",
) -> Loaded:
    made = make(*read(plpy, model_version))
    kept = GD.setdefault(KEPT, {})
    target = model_version.split("__")[0]
    for key in [key for key in kept if key.split("__")[0] == target and not key.startswith(model_version)]:
        del kept[key]  # the model served before: its memory is not needed any more
    kept[model_version + suffix] = made
    return made


def read(plpy: Any, model_version: str) -> tuple[bytes, Manifest]:
    """Read artefact and manifest; ``Scorer`` compares the hash.

    Raises:
        RegistryError: the model is gone.
        ArtefactError: the registry holds another manifest under this version.
    """
    rows = plpy.execute(plpy.prepare(_SQL["read"], ["pg_catalog.text"]), [model_version], 1)
    if len(rows) == 0:
        raise RegistryError(
            f"there is no model {model_version} any more", "Install the functions again: revlayer models install"
        )
    manifest = Manifest.from_json(rows[0]["manifest"])
    if (manifest.model_version, manifest.artefact_sha256) != (model_version, rows[0]["artefact_sha256"]):
        raise ArtefactError(
            f"the manifest of {model_version} is that of {manifest.model_version}, or names another hash",
            "The registry was edited by hand. Train the target again: revlayer train",
        )
    return bytes(rows[0]["artefact"]), manifest


def _picker(manifest: Manifest, kind: str) -> Callable[[Sequence[Any]], Sequence[Any]]:
    places = [place for place, feature in enumerate(manifest.features) if feature.type == kind]
    if len(places) == 1:
        return lambda arguments: (arguments[places[0]],)
    return itemgetter(*places)
