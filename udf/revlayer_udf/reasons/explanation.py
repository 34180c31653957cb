"""An artefact that also returns what each feature contributed to the raw score."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from revlayer_udf.ensemble import Ensemble
from revlayer_udf.errors import ArtefactError
from revlayer_udf.manifest import Manifest
from revlayer_udf.onnx_nodes import attributes
from revlayer_udf.reasons.choices import choice
from revlayer_udf.reasons.linear import Decomposition, UnexplainedError, Weighted, decompose
from revlayer_udf.reasons.main_effects import correction_trees
from revlayer_udf.reasons.paths import Floats, Paths
from revlayer_udf.reasons.provenance import Provenance
from revlayer_udf.reasons.trees import path_contributions

CONTRIBUTIONS = "contributions"
BASE_SCORE = "base_score"
# float32 holds a sum around 8 to 1e-6; around a larger base the rounding alone would pass 1e-5.
LARGEST_EXACT_BASE = 8.0
# From these versions on Slice, and ReduceSum, take their bounds and axes as inputs.
OLDEST_OPSET, AXES_AS_INPUT = 10, 13


def explain_graph(artefact: bytes, manifest: Manifest) -> bytes | None:
    """Return the artefact with two more outputs, or None where its raw score cannot be split by feature.

    Outputs:
        contributions: float32 [N, F], one column per feature of the manifest, in its order.
        base_score: float32 [N, 1], the same for every row of a kind; base + sum of contributions = raw score.

    The other outputs stay as they are, bit by bit, and the trees are still walked once.
    """
    try:
        return explained(artefact, manifest)
    except UnexplainedError:
        return None


def explained(artefact: bytes, manifest: Manifest) -> bytes:
    """Do what ``explain_graph`` does.

    Raises:
        UnexplainedError: saying why there are no reasons.
    """
    raw = raw_score(manifest)
    model = onnx.load_model_from_string(artefact)
    taken = {node.name for node in model.graph.output} & {CONTRIBUTIONS, BASE_SCORE}
    if taken:
        raise UnexplainedError(f"the graph has an output {min(taken)} already")
    provenance = Provenance(model.graph, manifest)
    _Explanation(model, manifest, provenance).add(raw)
    return bytes(model.SerializeToString(deterministic=True))


def raw_score(manifest: Manifest) -> str:
    """Return the name of the output that reasons add up to.

    Raises:
        UnexplainedError: the manifest names none.
    """
    if manifest.raw_output is None:
        raise UnexplainedError("the manifest names no raw score")
    return manifest.raw_output


class _Explanation:
    """Adds the nodes of one explanation to a model, in place."""

    def __init__(self, model: onnx.ModelProto, manifest: Manifest, provenance: Provenance) -> None:
        self._graph = model.graph
        self._width = len(manifest.features)
        self._provenance = provenance
        self._count = 0
        self._opset = next(each.version for each in model.opset_import if each.domain in {"", "ai.onnx"})
        if self._opset < OLDEST_OPSET:
            raise UnexplainedError(f"the graph is of opset {self._opset}, reasons need {OLDEST_OPSET}")

    def add(self, raw: str) -> None:
        total, base = self._split(raw)
        self._show(CONTRIBUTIONS, total, self._width)
        self._show(BASE_SCORE, base, 1)

    def _split(self, raw: str) -> tuple[str, str]:
        """Return the tensors of contributions and base of a raw score; where it chooses, of the side that is taken."""
        chosen = choice(self._provenance, raw)
        if chosen is None:
            return self._sum(raw, decompose(self._provenance, raw))
        if {chosen.yes, chosen.no} <= self._provenance.constants.keys():
            raise UnexplainedError("the raw score is one of two constants")
        sides = [self._side(tensor) for tensor in (chosen.yes, chosen.no)]
        total, base = (self._node("Where", chosen.condition, *pair) for pair in zip(*sides, strict=True))
        return total, base

    def _side(self, raw: str) -> tuple[str, str]:
        """Split one side of a choice; a constant is its base, and no feature contributes to it."""
        constant = self._provenance.constants.get(raw)
        if constant is None:
            return self._split(raw)
        return self._constant(np.zeros((1, self._width), np.float32)), self._number(float(constant.ravel()[0]))

    def _sum(self, raw: str, found: Decomposition) -> tuple[str, str]:
        base = found.constant
        parts = [self._direct(term) for term in found.direct]
        for node, weights in merged_trees(found):
            part, tree_base = self._trees(node, weights)
            parts.append(part)
            base += tree_base
        if not parts:
            raise UnexplainedError("the raw score is a constant")
        total = parts[0]
        for part in parts[1:]:
            total = self._node("Add", total, part)
        nothing = self._node("Mul", raw, self._number(0.0))
        shown_base = self._node("Add", nothing, self._number(base))
        if abs(base) > LARGEST_EXACT_BASE:
            moved = self._node("Sub", raw, shown_base)
            total = self._spread(total, self._node("Sub", moved, self._row_sum(total)))
        return total, shown_base

    def _direct(self, term: Weighted) -> str:
        """Columns times weights, each added to its feature: one matrix product."""
        features = self._provenance.single(term.tensor) or []
        matrix = np.zeros((len(term.weights), self._width), np.float32)
        for column, feature in enumerate(features):
            if feature is None:
                raise UnexplainedError(f"a column of {term.tensor} comes from no feature")
            matrix[column, feature] = term.weights[column]
        return self._node("MatMul", term.tensor, self._constant(matrix))

    def _trees(self, node: onnx.NodeProto, weights: Floats) -> tuple[str, float]:
        """Give the leaves one target more per feature; return these targets' tensor and the base."""
        ensemble, features = readable_trees(node, self._provenance)
        paths = Paths.of(ensemble)
        bases, credits = path_contributions(paths, weights)
        by_feature = np.zeros((len(ensemble.feature), self._width + 1))
        slots = np.where(paths.slot_features >= 0, features[paths.slot_features], self._width)
        np.add.at(by_feature, (paths.leaves[:, None], slots), credits)
        values = np.hstack([ensemble.values, by_feature[:, :-1]])
        own, wide = ensemble.target_count, ensemble.target_count + self._width
        base = np.concatenate([ensemble.base, np.zeros(self._width)])
        replaced = ensemble.with_values(values, base).to_onnx()
        replaced.name, output = node.name, node.output[0]
        replaced.input.append(node.input[0])
        replaced.output.append(self._name("trees"))
        position = next(i for i, other in enumerate(self._graph.node) if output in other.output)
        self._graph.node[position].CopyFrom(replaced)
        margin = self._slice(replaced.output[0], 0, own)
        margin.output[0] = output
        self._graph.node.insert(position + 1, margin)
        carried = self._slice(replaced.output[0], own, wide)
        self._graph.node.append(carried)
        part = carried.output[0]
        corrections = correction_trees(paths, credits, weights)
        if corrections is not None:
            part = self._corrected(part, node.input[0], corrections, features)
        mean = bases.mean() if ensemble.aggregate == "AVERAGE" else bases.sum()
        return part, float(mean + ensemble.base @ weights)

    def _corrected(self, part: str, matrix: str, corrections: Ensemble, features: np.ndarray) -> str:
        """Add each feature's correction; their sum, which the score does not have, is taken back by size."""
        values = np.zeros((len(corrections.feature), self._width))
        np.add.at(values.T, features[: corrections.target_count], corrections.values.T)
        node = corrections.with_values(values, np.zeros(self._width)).to_onnx()
        node.name = self._name("corrections")
        node.input.append(matrix)
        node.output.append(node.name)
        self._graph.node.append(node)
        return self._spread(self._node("Add", part, node.name), self._node("Neg", self._row_sum(node.name)))

    def _spread(self, total: str, left_over: str) -> str:
        """Add to each contribution its share, by size, of what is left over [N, 1]."""
        sizes = self._node("Abs", total)
        whole = self._node("Max", self._row_sum(sizes), self._number(1e-30))
        return self._node("Add", total, self._node("Mul", sizes, self._node("Div", left_over, whole)))

    def _row_sum(self, tensor: str) -> str:
        if self._opset < AXES_AS_INPUT:
            return self._node("ReduceSum", tensor, axes=[1])
        return self._node("ReduceSum", tensor, self._constant(np.array([1], np.int64)))

    def _slice(self, tensor: str, start: int, end: int) -> onnx.NodeProto:
        inputs = [tensor, *(self._constant(np.array([bound], np.int64)) for bound in (start, end, 1))]
        name = self._name("slice")
        return helper.make_node("Slice", inputs, [name], name=name)

    def _node(self, operator: str, *inputs: str, axes: list[int] | None = None) -> str:
        name = self._name(operator.lower())
        # An attribute that is None is left out.
        self._graph.node.append(helper.make_node(operator, list(inputs), [name], name=name, axes=axes))
        return name

    def _number(self, value: float) -> str:
        return self._constant(np.array([value], np.float32))

    def _constant(self, values: np.ndarray) -> str:
        name = self._name("constant")
        self._graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def _name(self, stem: str) -> str:
        self._count += 1
        return f"reasons_{stem}_{self._count}"

    def _show(self, name: str, tensor: str, width: int) -> None:
        self._graph.node.append(helper.make_node("Identity", [tensor], [name], name=f"output_{name}"))
        self._graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width]))


def merged_trees(found: Decomposition) -> list[tuple[onnx.NodeProto, Floats]]:
    """Add up the weights of trees that the score uses twice."""
    merged: dict[str, tuple[onnx.NodeProto, Floats]] = {}
    for node, weights in found.trees:
        _, before = merged.get(node.output[0], (node, np.zeros_like(weights)))
        merged[node.output[0]] = (node, before + weights)
    return list(merged.values())


def readable_trees(node: onnx.NodeProto, provenance: Provenance) -> tuple[Ensemble, np.ndarray]:
    """Return the ensemble and the feature behind each column of its input."""
    if attributes(node).get("post_transform", "NONE") != "NONE":
        raise UnexplainedError("the trees transform their sum")
    try:
        ensemble = Ensemble.from_onnx(node)
    except ArtefactError as error:
        raise UnexplainedError(error.message) from None
    if ensemble.aggregate not in {"SUM", "AVERAGE"}:
        raise UnexplainedError(f"the trees' {ensemble.aggregate} is no sum")
    if ensemble.threshold.dtype != np.float32:
        raise UnexplainedError("the trees compare in float64")
    if ensemble.cover is None:
        raise UnexplainedError("the trees do not say how many training rows reached each node (nodes_hitrates)")
    features = provenance.single(node.input[0])
    if features is None or None in features:
        raise UnexplainedError("a column that the trees read comes from several features, or from none")
    return ensemble, np.array(features, np.int64)
