"""Golden rows of an artefact just fitted: what the trained model makes of real, missing and extreme values.

Every engine is held against them, so they are chosen where engines part: at the thresholds of the model's own
trees and one float32 above and below, at the ends of float32 and beyond, at texts nobody has seen.
"""

from collections.abc import Iterator

import numpy as np
import onnx
import pyarrow as pa
from numpy.typing import NDArray

from revlayer_training.export import Artefact
from revlayer_training.features import Features
from revlayer_training.preprocessing import Texts
from revlayer_training.shap_agreement import frame
from revlayer_udf import golden_rows
from revlayer_udf.ensemble import LEAF, Ensemble
from revlayer_udf.manifest import RUNG_OUTPUT, RUNGS, Manifest
from revlayer_udf.runtime import numeric_matrix

SAMPLE_ROWS = 200
THRESHOLDS = 60
# The ends of float32, its smallest numbers, and doubles that float32 holds as infinity or zero.
EDGES = (3.4028234663852886e38, -3.4028234663852886e38, 1e-45, -1e-45, 1e-35, 1e300, -1e300, 1e-300,
         float("inf"), float("-inf"))  # fmt: skip


def golden(artefact: Artefact, manifest: Manifest, data: Features, seed: int = 1) -> pa.Table:
    """Return a few hundred to a thousand rows: the manifest's features and ``expected__<output>``.

    Args:
        data: what the artefact was trained on.
    """
    features = _rows(artefact.content, manifest, data, np.random.default_rng(seed))
    with np.errstate(over="ignore", invalid="ignore"):
        expected = artefact.predict(as_dataset(features, manifest, data))
        # An amount beyond float32 is infinite in every engine.
        shown = {name: np.where(np.isinf(v.astype(np.float32)), np.inf, v) for name, v in expected.items()}
    if RUNG_OUTPUT in expected:
        shown[RUNG_OUTPUT] = np.array(RUNGS, dtype=object)[expected[RUNG_OUTPUT].astype(np.int64)]
    return golden_rows.with_expected(features, shown)


def as_dataset(features: pa.Table, manifest: Manifest, like: Features) -> Features:
    """Return feature rows without outcomes; numbers are rounded to float32 once."""
    count = features.num_rows
    matrix = numeric_matrix(features, manifest.numbers)
    return Features(
        numbers=dict(zip(manifest.numbers, matrix.T, strict=True)),
        texts={name: Texts.of(features[name].to_pylist()) for name in manifest.texts},
        number_features=like.number_features, text_features=like.text_features,
        entity=np.arange(count), entity_ids=np.arange(count).astype(object),
        as_of=np.full(count, np.datetime64("NaT", "D")), fingerprint="",
    )  # fmt: skip


def _rows(artefact: bytes, manifest: Manifest, data: Features, random: np.random.Generator) -> pa.Table:
    chosen = np.zeros(len(data), bool)
    chosen[random.permutation(len(data))[:SAMPLE_ROWS]] = True
    made = golden_rows.make_rows(artefact, manifest, frame(data.take(chosen), manifest))
    sample = made.slice(0, int(chosen.sum()))
    changes = [*_edges(manifest, random), *_near_thresholds(artefact, manifest, random)]
    varied = sample.take(pa.array(random.integers(0, sample.num_rows, len(changes))))
    for name in manifest.numbers:
        values = np.asarray(varied[name].to_numpy(zero_copy_only=False), np.float64).copy()
        for row, (changed, value) in enumerate(changes):
            if changed == name:
                values[row] = value
        varied = varied.set_column(varied.column_names.index(name), name, pa.array(values, from_pandas=True))
    unknown = pa.table({name: pa.nulls(1, made.schema.field(name).type) for name in made.column_names})
    return pa.concat_tables([made, varied, unknown]).combine_chunks()


def _edges(manifest: Manifest, random: np.random.Generator) -> Iterator[tuple[str, float]]:
    """Yield each edge for three features, all edges together for every feature at least once where there are many."""
    for place, value in enumerate(EDGES):
        order = random.permutation(len(manifest.numbers))
        for index in {*order[:3].tolist(), *range(place, len(manifest.numbers), len(EDGES))}:
            yield manifest.numbers[index], value


def _near_thresholds(artefact: bytes, manifest: Manifest, random: np.random.Generator) -> Iterator[tuple[str, float]]:
    """Yield thresholds of the model's trees for the feature they cut, with the float32 above and below."""
    graph = onnx.load_model_from_string(artefact).graph
    for node in graph.node:
        if not node.op_type.startswith("TreeEnsemble"):
            continue
        ensemble = Ensemble.from_onnx(node)
        # The numbers stand first in the matrix of our own trees, in the manifest's order.
        cuts = np.flatnonzero((ensemble.feature != LEAF) & (ensemble.feature < len(manifest.numbers)))
        for cut in random.permutation(cuts)[:THRESHOLDS]:
            for value in _with_neighbours(np.float32(ensemble.threshold[cut])):
                yield manifest.numbers[ensemble.feature[cut]], float(value)


def _with_neighbours(value: np.float32) -> NDArray[np.float32]:
    ends = np.array([-np.inf, np.inf], np.float32)
    return np.array([value, *np.nextafter(value, ends)], np.float32)
