"""Trees as nested CASE: the fastest form over many rows, at the price of planning it in every statement."""

import numpy as np
from numpy.typing import NDArray

from revlayer_udf.compiler.forests.slots import Slots
from revlayer_udf.compiler.values import number
from revlayer_udf.ensemble import LEAF, Ensemble

# PostgreSQL's grammar gives up at about 1,960 nested CASE (15 and 18 alike), its planner at the 2 MB of
# max_stack_depth; a view or a caller's query takes some of that.
DEPTH_LIMIT = 500


def tree_expressions(ensemble: Ensemble, slots: Slots, columns: list[str], target: int) -> list[str]:
    """Return what each tree gives to a target, as an expression over the columns that hold the slots.

    Nodes whose leaves all give the same are left out: of several targets a tree often serves one.
    """
    values = ensemble.values[:, target]
    same, constant = _constant_below(ensemble, values)
    texts: list[str] = [""] * len(ensemble.feature)
    for nodes in reversed(list(ensemble.levels())):
        for node in nodes.tolist():
            if same[node]:
                texts[node] = number(float(constant[node]))
                continue
            left, right = int(ensemble.left[node]), int(ensemble.right[node])
            texts[node] = (
                f"case when {columns[slots.of_node[node]]} <= {number(float(ensemble.threshold[node]))}"
                f" then {texts[left]} else {texts[right]} end"
            )
    return [texts[root] for root in ensemble.roots.tolist()]


def _constant_below(ensemble: Ensemble, values: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Tell of each node whether all leaves below it give the same, and what."""
    same, constant = ensemble.feature == LEAF, values.copy()
    for nodes in reversed(list(ensemble.levels())):
        inner = nodes[ensemble.feature[nodes] != LEAF]
        left, right = ensemble.left[inner], ensemble.right[inner]
        same[inner] = same[left] & same[right] & (constant[left] == constant[right])
        constant[inner] = constant[left]
    return same, constant


def combine(terms: list[str], aggregate: str) -> str:
    """Return one expression of all trees.

    Sums are written as a balanced tree of additions: a plain chain of some 4,000 exceeds max_stack_depth.
    """
    if aggregate in {"MIN", "MAX"}:
        return f"{'least' if aggregate == 'MIN' else 'greatest'}({', '.join(terms)})"
    total = _sum(terms)
    return f"({total}) / {number(len(terms))}" if aggregate == "AVERAGE" else total


def _sum(terms: list[str]) -> str:
    while len(terms) > 1:
        pairs = [f"({' + '.join(terms[at : at + 2])})" for at in range(0, len(terms), 2)]
        terms = pairs
    return terms[0]
