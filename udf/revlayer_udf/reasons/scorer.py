"""Scores and reasons in one run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_udf.manifest import Manifest, sha256
from revlayer_udf.reasons.explanation import BASE_SCORE, CONTRIBUTIONS, explained
from revlayer_udf.reasons.ranking import TopReasons, top_reasons
from revlayer_udf.runtime import Frame, Scorer, check_hash, feeds_of


@dataclass(frozen=True)
class Explained:
    """Predictions of N rows with what they are made of.

    Attributes:
        outputs: by output name, as ``Scorer.score`` returns them.
        base_score: float32 [N], the same for every row of a kind.
        raw_score: float32 [N], before calibration or link.
        contributions: float32 [N, F], one column per feature of the manifest; base + their sum = raw.
        labels: of the features.
        shown: [N, F], which of them may be reasons; None for all.
    """

    outputs: dict[str, np.ndarray]
    base_score: NDArray[np.float32]
    raw_score: NDArray[np.float32]
    contributions: NDArray[np.float32]
    labels: tuple[str, ...]
    shown: NDArray[np.bool_] | None = None

    def top(self, k: int = 3) -> TopReasons:
        """Return each row's k largest contributions."""
        return top_reasons(self.contributions, self.labels, k, self.shown)


class ReasonScorer:
    """A scorer that also says why; predictions are those of ``Scorer``, bit by bit.

    Args:
        artefact: as for ``Scorer``.
        manifest: with ``raw_output``.

    Raises:
        ArtefactError: as for ``Scorer``.
        UnexplainedError: the raw score cannot be split by feature; says why.
    """

    def __init__(self, artefact: bytes, manifest: Manifest) -> None:
        check_hash(artefact, manifest)
        graph = explained(artefact, manifest)
        derived = {
            "artefact_sha256": sha256(graph),
            "outputs": (*manifest.outputs, CONTRIBUTIONS, BASE_SCORE),
        }
        self.manifest = manifest
        # The same version: messages name the model that people know.
        self._scorer = Scorer(graph, manifest.model_copy(update=derived))
        self._labels = tuple(feature.label for feature in manifest.features)

    def score(self, batch: Frame, outputs: Sequence[str] | None = None) -> Explained:
        """Score rows with reasons.

        Args:
            batch: as for ``Scorer.score``.
            outputs: which outputs besides the reasons; left out, all but the raw score.

        Raises:
            FeatureError, PredictionError: as ``Scorer.score``; a contribution that is not finite is refused too.
        """
        raw = str(self.manifest.raw_output)
        wanted = list(self.manifest.predictions if outputs is None else outputs)
        names = dict.fromkeys([*wanted, raw, CONTRIBUTIONS, BASE_SCORE])
        found = self._scorer.score(batch, list(names))
        return Explained(
            {name: found[name] for name in wanted},
            found[BASE_SCORE][:, 0], found[raw][:, 0], found[CONTRIBUTIONS], self._labels,
            _known(batch, self.manifest) if self.manifest.reasons_skip_unknown else None,
        )  # fmt: skip


def _known(batch: Frame, manifest: Manifest) -> NDArray[np.bool_]:
    """Return which features [N, F] are known, in the order of the manifest."""
    feeds = feeds_of(batch, manifest)
    found = np.ones((batch.num_rows, len(manifest.features)), bool)
    place = {feature.name: index for index, feature in enumerate(manifest.features)}
    if manifest.numbers:
        found[:, [place[name] for name in manifest.numbers]] = ~np.isnan(feeds["numeric"])
    if manifest.texts:
        found[:, [place[name] for name in manifest.texts]] = feeds["categorical"] != ""
    return found
