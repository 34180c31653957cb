"""Class scores and labels of a TreeEnsembleClassifier, as ONNX Runtime lays them out.

The specification leaves two classes open. ONNX Runtime (tree_ensemble_aggregator.h, ml_common.h) tells three cases
apart, by which classes the leaves name; those it answers differently from row to row are refused.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from revlayer_udf.compiler.forests.reading import scored_always
from revlayer_udf.compiler.values import Cell, Kind, cell, literal
from revlayer_udf.errors import UnsupportedOperator
from revlayer_udf.onnx_nodes import attributes


@dataclass(frozen=True)
class Classes:
    """What is asked of the class totals.

    Attributes:
        labels: str or int, one per class.
        scores: of each class before the post-transform.
        decisive: the second of two labels is given where this score is above ``bound``; None where the largest of
            the ``candidates`` decides.
        is_complement: two scores from one total, which only LOGISTIC transforms.
    """

    labels: list[Any]
    scores: list[Cell]
    decisive: Cell | None = None
    bound: float = 0.0
    candidates: tuple[int, ...] = ()
    is_complement: bool = False


def classes_of(node: onnx.NodeProto, totals: list[Cell]) -> Classes:
    """Lay out the totals of the classes, which are without base values.

    Raises:
        UnsupportedOperator: ONNX Runtime answers from row to row, or reads beyond its labels.
    """
    found = attributes(node)
    labels = found.get("classlabels_strings") or found.get("classlabels_int64s") or []
    base = np.asarray(found.get("base_values", ()), np.float64).tolist()
    always = scored_always(node)
    if len(labels) < 2:
        raise UnsupportedOperator(node.op_type, "it has fewer than two class labels")
    if len(labels) > 2:
        return _several(node, labels, totals, base, always)
    if len(always) == 1:
        all_positive = bool((np.asarray(found["class_weights"]) >= 0).all())
        return _one_of_two(node, labels, totals, base, next(iter(always)), 0.5 if all_positive else 0.0)
    if not all(always.values()) or len(base) == 2:
        why = "both of its two classes have weights, and base values or leaves without them"
        raise UnsupportedOperator(node.op_type, why)
    # With integer labels ONNX Runtime answers 0 and 1 here, whatever the labels are.
    labels = labels if isinstance(labels[0], str) else [0, 1]
    first = added(totals[0], base[0]) if base else totals[0]
    return Classes(labels, [first, totals[1]], decisive=totals[1])


def added(total: Cell, base: float) -> Cell:
    """Return a total with its base value."""
    return cell("{0} + {1}", total, literal(Kind.FLOAT, base), exact=False) if base else total


def _several(
    node: onnx.NodeProto, labels: list[Any], totals: list[Cell], base: list[float], always: dict[int, bool]
) -> Classes:
    if base and len(base) != len(labels):
        raise UnsupportedOperator(node.op_type, "it has another number of base values than of classes")
    if base:
        scores = [added(total, value) for total, value in zip(totals, base, strict=True)]
        return Classes(labels, scores, candidates=tuple(range(len(labels))))
    if not all(always.values()):
        why = "some leaves name no weight for a class, so that which classes compete differs by row"
        raise UnsupportedOperator(node.op_type, why)
    return Classes(labels, totals, candidates=tuple(sorted(always)))


def _one_of_two(
    node: onnx.NodeProto, labels: list[Any], totals: list[Cell], base: list[float], named: int, bound: float
) -> Classes:
    if named == 1:
        if base:
            why = "its leaves name the second of two classes only, and it has base values"
            raise UnsupportedOperator(node.op_type, why)
        return Classes(labels, [literal(Kind.FLOAT, 0.0), totals[1]], decisive=totals[1], bound=bound)
    total = added(totals[0], base[0]) if base else totals[0]
    if len(base) == 2:  # the second class has no score to add its base value to
        return Classes(labels, [total, literal(Kind.FLOAT, 0.0)], decisive=total, bound=bound)
    other = cell("'1'::float8 - {0}" if bound else "- {0}", total, exact=False)
    return Classes(labels, [other, total], decisive=total, bound=bound, is_complement=True)
