"""Nodes of an ONNX graph as plain values: their attributes, and what a tree ensemble's attributes say."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from revlayer_udf.errors import ArtefactError

STRICT = {"BRANCH_LT", "BRANCH_GTE"}
SWAPPED = {"BRANCH_GT", "BRANCH_GTE"}
EQUALITY = {"BRANCH_EQ", "BRANCH_NEQ"}


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return a node's attributes by name; tensors as arrays, ``x_as_tensor`` as ``x``, texts as str."""
    found: dict[str, Any] = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if isinstance(value, onnx.TensorProto):
            value = numpy_helper.to_array(value)
        elif isinstance(value, bytes):
            value = value.decode()
        elif isinstance(value, list) and value and isinstance(value[0], bytes):
            value = [item.decode() for item in value]
        found[attribute.name.removesuffix("_as_tensor")] = value
    return found


def check_comparisons(node: onnx.NodeProto, modes: NDArray[np.str_], threshold: NDArray[np.floating[Any]]) -> None:
    """Refuse what cannot be brought to ``x <= t``.

    Raises:
        ArtefactError: a mode that ONNX does not define, or a number below -infinity is asked for.
    """
    known = {"LEAF", "BRANCH_LEQ", *STRICT, *SWAPPED, *EQUALITY}
    unknown = sorted(set(modes.tolist()) - known)
    if unknown:
        raise ArtefactError(f"{node.op_type} {node.name} compares by {', '.join(unknown)}", "Export it again.")
    if (np.isneginf(threshold) & np.isin(modes, list(STRICT | EQUALITY))).any():
        raise ArtefactError(
            f"{node.op_type} {node.name} compares with -infinity", "No number is less: take that node out."
        )


def children(
    numbers: list[int], tree: NDArray[np.int64], place: dict[tuple[int, int], int], inner: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the place of each node's child; a leaf's own."""
    pairs = zip(tree.tolist(), numbers, inner.tolist(), strict=True)
    return np.array([place[t, n] if branch else i for i, (t, n, branch) in enumerate(pairs)], np.int64)


def roots(
    tree: NDArray[np.int64], yes: NDArray[np.int64], no: NDArray[np.int64], inner: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the place of each tree's root, in the order of places."""
    is_child = np.zeros(len(tree), bool)
    is_child[yes[inner]] = True
    is_child[no[inner]] = True
    found = np.flatnonzero(~is_child)
    if len(found) != len(np.unique(tree)):
        raise ArtefactError("a tree of the ensemble has no root, or several", "Export the model again.")
    return found


def leaf_values(found: dict[str, Any], kind: str, count: int, place: dict[tuple[int, int], int]) -> NDArray[np.float64]:
    """Return what each node adds to each target or class, [count, M]."""
    keys = zip(found[f"{kind}_treeids"], found[f"{kind}_nodeids"], strict=True)
    at, ids = np.array([place[key] for key in keys], np.int64), np.asarray(found[f"{kind}_ids"])
    values = np.zeros((count, _width(found, kind)))
    np.add.at(values, (at, ids), np.asarray(found[f"{kind}_weights"]))
    return values


def base_values(found: dict[str, Any], kind: str) -> NDArray[np.float64]:
    """Return what is added to each target or class, [M]."""
    given = np.asarray(found.get("base_values", ()), np.float64)
    base = np.zeros(_width(found, kind))
    base[: len(given)] = given[: len(base)]
    return base


def _width(found: dict[str, Any], kind: str) -> int:
    labels = found.get("classlabels_strings") or found.get("classlabels_int64s") or ()
    return int(found.get("n_targets") or max(len(labels), int(np.max(found[f"{kind}_ids"], initial=-1)) + 1))
