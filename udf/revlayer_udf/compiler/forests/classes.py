"""Class scores and labels of a TreeEnsembleClassifier, as ONNX Runtime lays them out.

The specification leaves two classes open. ONNX Runtime (tree_ensemble_aggregator.h, ml_common.h) tells three cases
apart, by which classes the leaves name; those it answers differently from row to row are refused.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from revlayer_udf.compiler.forests.case import number
from revlayer_udf.compiler.forests.reading import scored_always
from revlayer_udf.ensemble import attributes


class RefusedClasses(ValueError):  # noqa: N818
    """A layout of classes that cannot be told for certain."""


@dataclass(frozen=True)
class Classes:
    """What is asked of the class totals.

    Attributes:
        labels: str or int, one per class.
        scores: expression of each class before the post-transform.
        decides: expression that is true for the second label; None where the largest score decides.
        candidates: classes among which the largest score decides.
        complement: the scores are final but for LOGISTIC: two classes from one total.
    """

    labels: list[Any]
    scores: list[str]
    decides: str | None
    candidates: list[int]
    complement: bool


def classes_of(node: onnx.NodeProto, totals: list[str]) -> Classes:
    """Lay out the totals of the classes, without base values.

    Raises:
        RefusedClasses: ONNX Runtime answers from row to row, or reads beyond its labels.
    """
    found = attributes(node)
    labels = found.get("classlabels_strings") or found.get("classlabels_int64s") or []
    base = np.asarray(found.get("base_values", ()), np.float64).tolist()
    always = scored_always(node)
    if len(labels) < 2:
        raise RefusedClasses("it has fewer than two class labels")
    if len(labels) > 2:
        return _several(labels, totals, base, always)
    if len(always) == 1:
        weights = np.asarray(found["class_weights"])
        return _one_of_two(labels, totals, base, next(iter(always)), bool((weights >= 0).all()))
    if not all(always.values()) or len(base) == 2:
        raise RefusedClasses("both of its two classes have weights, and base values or leaves without them")
    # With integer labels ONNX Runtime answers 0 and 1 here, whatever the labels are.
    if not isinstance(labels[0], str):
        labels = [0, 1]
    first = f"({totals[0]} + {number(base[0])})" if base else totals[0]
    return Classes(labels, [first, totals[1]], f"{totals[1]} > 0", [], complement=False)


def _several(labels: list[Any], totals: list[str], base: list[float], always: dict[int, bool]) -> Classes:
    if base and len(base) != len(labels):
        raise RefusedClasses("it has another number of base values than of classes")
    if base:
        scores = [f"({total} + {number(value)})" for total, value in zip(totals, base, strict=True)]
        return Classes(labels, scores, None, list(range(len(labels))), complement=False)
    if not all(always.values()):
        raise RefusedClasses("some leaves name no weight for a class, so that which classes compete differs by row")
    return Classes(labels, totals, None, sorted(always), complement=False)


def _one_of_two(labels: list[Any], totals: list[str], base: list[float], named: int, all_positive: bool) -> Classes:
    total, bound = totals[named], number(0.5 if all_positive else 0.0)
    if named == 1:
        if base:
            raise RefusedClasses("its leaves name the second of two classes, and it has base values")
        return Classes(labels, [number(0), total], f"{total} > {bound}", [], complement=False)
    if base:
        total = f"({total} + {number(base[0])})"
    if len(base) == 2:
        return Classes(labels, [total, number(base[1])], f"{total} > {bound}", [], complement=False)
    other = f"('1'::float8 - {total})" if all_positive else f"(- {total})"
    return Classes(labels, [other, total], f"{total} > {bound}", [], complement=True)
