"""The raw score as a sum: walked back from its tensor through sums, constant factors and matrix products."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import onnx

from revlayer_udf.errors import RevlayerError
from revlayer_udf.onnx_nodes import attributes
from revlayer_udf.reasons.paths import Floats
from revlayer_udf.reasons.provenance import Provenance, constant_width, gathered_columns

ADDITIVE = frozenset({"Add", "Sub", "Sum", "Mean"})
PASSING = frozenset({"Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze"})


class UnexplainedError(RevlayerError):
    """A raw score that cannot be split by feature; the message says why."""


@dataclass(frozen=True)
class Weighted:
    """A tensor's columns, each times a weight, are added to the score."""

    tensor: str
    weights: Floats


@dataclass
class Decomposition:
    """Raw score = constant + the weighted columns; every column of ``direct`` comes from one feature."""

    constant: float = 0.0
    direct: list[Weighted] = field(default_factory=list)
    trees: list[tuple[onnx.NodeProto, Floats]] = field(default_factory=list)


def decompose(provenance: Provenance, raw: str) -> Decomposition:
    """Walk back from a tensor [N, 1].

    Raises:
        UnexplainedError: naming the operator that is no sum and mixes features.
    """
    found = Decomposition()
    waiting = [Weighted(raw, np.ones(1))]
    while waiting:
        term = waiting.pop()
        if term.tensor in provenance.constants:
            values = provenance.constants[term.tensor].astype(np.float64).ravel()
            found.constant += float((np.broadcast_to(values, term.weights.shape) * term.weights).sum())
            continue
        node = provenance.producers.get(term.tensor)
        if node is not None and node.op_type == "TreeEnsembleRegressor":
            found.trees.append((node, term.weights))
        elif _is_readable(provenance, term):
            found.direct.append(term)
        elif node is None:
            raise UnexplainedError(f"the input {term.tensor} does not match the manifest")
        else:
            waiting.extend(_parts(provenance, node, term.weights))
    return found


def _is_readable(provenance: Provenance, term: Weighted) -> bool:
    columns = provenance.single(term.tensor)
    return columns is not None and len(columns) == len(term.weights)


def _parts(provenance: Provenance, node: onnx.NodeProto, weights: Floats) -> Iterator[Weighted]:
    constants = provenance.constants
    kind = node.op_type
    if kind in PASSING:
        yield Weighted(node.input[0], weights)
    elif kind in ADDITIVE:
        share = 1.0 / len(node.input) if kind == "Mean" else 1.0
        for index, name in enumerate(node.input):
            sign = -1.0 if kind == "Sub" and index else 1.0
            yield Weighted(name, _narrowed(provenance, name, weights) * sign * share)
    elif kind == "Neg":
        yield Weighted(node.input[0], -weights)
    elif kind in {"Mul", "Div"}:
        yield _scaled(provenance, node, weights)
    elif kind == "MatMul" and node.input[1] in constants:
        yield Weighted(node.input[0], constants[node.input[1]].astype(np.float64) @ weights)
    elif kind == "Gemm" and node.input[1] in constants and not attributes(node).get("transA"):
        yield from _gemm(provenance, node, weights)
    elif kind == "Concat":
        yield from _split(provenance, node, weights)
    elif kind in {"Gather", "ArrayFeatureExtractor"}:
        yield _scattered(provenance, node, weights)
    elif kind == "ReduceSum":
        yield Weighted(node.input[0], np.repeat(weights, _width(provenance, node.input[0])))
    elif kind == "LinearRegressor":
        yield from _regressor(provenance, node, weights)
    else:
        raise UnexplainedError(f"{kind} mixes features in a way that is no sum")


def _scaled(provenance: Provenance, node: onnx.NodeProto, weights: Floats) -> Weighted:
    constants = provenance.constants
    first, second = node.input
    if second in constants:
        factor = constants[second].astype(np.float64).ravel()
        factor = 1.0 / factor if node.op_type == "Div" else factor
    elif first in constants and node.op_type == "Mul":
        first, factor = second, constants[first].astype(np.float64).ravel()
    else:
        raise UnexplainedError(f"{node.op_type} of two computed tensors is no sum")
    product = np.broadcast_to(factor, np.broadcast_shapes(factor.shape, weights.shape)) * weights
    return Weighted(first, _narrowed(provenance, first, product))


def _gemm(provenance: Provenance, node: onnx.NodeProto, weights: Floats) -> Iterator[Weighted]:
    given = attributes(node)
    matrix = provenance.constants[node.input[1]].astype(np.float64)
    matrix = matrix.T if given.get("transB") else matrix
    yield Weighted(node.input[0], float(given.get("alpha", 1.0)) * (matrix @ weights))
    if len(node.input) > 2 and node.input[2]:
        name = node.input[2]
        yield Weighted(name, _narrowed(provenance, name, float(given.get("beta", 1.0)) * weights))


def _split(provenance: Provenance, node: onnx.NodeProto, weights: Floats) -> Iterator[Weighted]:
    start = 0
    for name in node.input:
        width = _width(provenance, name)
        yield Weighted(name, weights[start : start + width])
        start += width
    if start != len(weights):
        raise UnexplainedError("Concat joins rows, not columns")


def _scattered(provenance: Provenance, node: onnx.NodeProto, weights: Floats) -> Weighted:
    width = _width(provenance, node.input[0])
    chosen = gathered_columns(node, provenance.constants, width)
    if chosen is None or len(chosen) != len(weights):
        raise UnexplainedError("Gather takes rows, or columns that are computed")
    spread = np.zeros(width)
    np.add.at(spread, chosen, weights)
    return Weighted(node.input[0], spread)


def _regressor(provenance: Provenance, node: onnx.NodeProto, weights: Floats) -> Iterator[Weighted]:
    given = attributes(node)
    if given.get("post_transform", "NONE") != "NONE":
        raise UnexplainedError("LinearRegressor transforms its sum")
    matrix = np.asarray(given["coefficients"], np.float64).reshape(int(given.get("targets", 1)), -1)
    yield Weighted(node.input[0], weights @ matrix)
    intercepts = np.asarray(given.get("intercepts", ()), np.float64)
    if len(intercepts):
        name = f"{node.output[0]}_intercepts"
        provenance.constants[name] = intercepts
        yield Weighted(name, weights)


def _narrowed(provenance: Provenance, name: str, weights: Floats) -> Floats:
    """Return weights for a tensor that may have one column where its sum has several."""
    return weights.sum(keepdims=True) if _width(provenance, name, default=len(weights)) == 1 else weights


def _width(provenance: Provenance, name: str, default: int | None = None) -> int:
    if name in provenance.constants:
        return constant_width(provenance.constants[name])
    columns = provenance.columns(name)
    if columns is not None:
        return len(columns)
    node = provenance.producers.get(name)
    if node is not None and node.op_type == "TreeEnsembleRegressor":
        return int(attributes(node).get("n_targets", 1))
    if node is not None and node.op_type in {"MatMul", "Gemm"} and node.input[1] in provenance.constants:
        shape = provenance.constants[node.input[1]].shape
        return int(shape[0] if attributes(node).get("transB") else shape[-1])
    if node is not None and node.op_type in {*PASSING, *ADDITIVE, "Mul", "Div", "Neg"}:
        return max(_width(provenance, part, default) for part in node.input)
    if default is None:
        raise UnexplainedError(f"the width of {name} is not known")
    return default
