"""Trees as rows: the form for forests whose CASE would take longer to plan than to evaluate."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_udf.compiler.forests.blocks import BLOCK_DEPTH, INNER, Blocks
from revlayer_udf.compiler.forests.slots import Slots
from revlayer_udf.ensemble import Ensemble

BLOCKS_TABLE = "scoring.compiled_blocks"
LEAVES_TABLE = "scoring.compiled_leaves"


@dataclass(frozen=True)
class StoredForest:
    """An ensemble as rows of scoring.compiled_*.

    Attributes:
        key: known by its content: the same trees have the same key.
        tree_count: T.
        depth: blocks on the longest path.
        blocks: the inner nodes.
        values: float64 [L, M], what each leaf adds to each target.
        aggregate: how trees are put together.
    """

    key: int
    tree_count: int
    depth: int
    blocks: Blocks
    values: NDArray[np.float64]
    aggregate: str

    @classmethod
    def of(cls, ensemble: Ensemble, slots: Slots) -> "StoredForest":
        """Cut an ensemble into rows."""
        blocks = Blocks.of(ensemble, slots)
        values = ensemble.values[blocks.leaves]
        digest = hashlib.sha256()
        for array in (blocks.slots, blocks.thresholds, blocks.exits, values):
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        key = int.from_bytes(digest.digest()[:8], "big") >> 1
        depth = -(-ensemble.depth // BLOCK_DEPTH)
        return cls(key, len(ensemble.roots), max(depth, 1), blocks, values, ensemble.aggregate)

    @property
    def target_count(self) -> int:
        """M."""
        return int(self.values.shape[1])

    @property
    def leaf_values(self) -> NDArray[np.float64] | None:
        """What each exit of each block adds, float64 [B, 32]; None where leaves have rows of their own."""
        if self.target_count != 1:
            return None
        reached = np.maximum(-self.blocks.exits - 1, 0)
        return np.asarray(np.where(self.blocks.exits < 0, self.values[reached, 0], 0.0))

    def query(self, columns: list[str], outputs: list[str]) -> str:
        """Return a query of one row: the trees put together for each target.

        Args:
            columns: expression of each slot, double precision, over what a lateral query sees.
            outputs: names of the M result columns.
        """
        return _query(self, columns, outputs)


def _query(forest: StoredForest, columns: list[str], outputs: list[str]) -> str:
    single = forest.target_count == 1
    walk = _roots(forest, single)
    for level in range(1, forest.depth):
        walk = _next_level(forest, walk, level, single)
    function = {"SUM": "sum", "AVERAGE": "avg", "MIN": "min", "MAX": "max"}[forest.aggregate]
    features = f"(select array[{', '.join(columns)}]::float8[] as x offset 0) v"
    if single:
        total = _whole(forest, f"{function}(w.leaf_value)")
        return f"select {total} as {outputs[0]} from {features} cross join lateral {walk} w"
    leaves = (
        f"(select l.leaf_values from {LEAVES_TABLE} l"
        f" where l.forest_key = {forest.key} and l.leaf = - w.next offset 0) l"
    )
    # Each target's array is read by constant subscripts; unnesting and grouping takes longer from ten targets on.
    totals = ", ".join(
        f"{_whole(forest, f'{function}(l.leaf_values[{at}])')} as {name}" for at, name in enumerate(outputs, 1)
    )
    return f"select {totals} from {features} cross join lateral {walk} w cross join lateral {leaves}"


def _whole(forest: StoredForest, total: str) -> str:
    """Return the total of all trees, or an error where some are not there.

    A transaction whose snapshot is older than an installation (repeatable read) calls the new function but does not see
    its rows; a restore may leave them out. A cast is the only way to raise an error in an expression.
    """
    missing = f"'the model has {forest.tree_count} trees, this transaction sees ' || count(*)"
    return f"case when count(*) = {forest.tree_count} then {total} else ({missing})::float8 end"


def _roots(forest: StoredForest, single: bool) -> str:
    """Answer the first five levels of every tree in one scan."""
    return _block(forest, f"b.block <= {forest.tree_count}", single)


def _next_level(forest: StoredForest, walk: str, level: int, single: bool) -> str:
    """Answer five more levels where a tree goes on.

    Joined level by level rather than by a recursive query, which PostgreSQL does not run in parallel workers.
    Every query is fenced (offset 0): joins stay nested loops over the key, and planning stays linear.
    """
    deeper = _block(forest, f"b.block = p{level}.next and p{level}.next > 0", single)
    value = f", coalesce(n{level}.leaf_value, p{level}.leaf_value) as leaf_value" if single else ""
    return (
        f"(select coalesce(n{level}.next, p{level}.next) as next{value} from {walk} p{level}"
        f" left join lateral {deeper} n{level} on true offset 0)"
    )


def _block(forest: StoredForest, condition: str, single: bool) -> str:
    value = ", b.leaf_values[e.taken] as leaf_value" if single else ""
    return (
        f"(select b.exits[e.taken] as next{value} from {BLOCKS_TABLE} b"
        f" cross join lateral (select {_exit_taken()} as taken offset 0) e"
        f" where b.forest_key = {forest.key} and {condition} offset 0)"
    )


def _exit_taken(place: int = 1) -> str:
    """Return the number of the exit, from 1, as nested CASE over the block's arrays."""
    if place > INNER:
        return str(place - INNER)
    left, right = _exit_taken(2 * place), _exit_taken(2 * place + 1)
    return f"case when v.x[b.slots[{place}]] <= b.thresholds[{place}] then {left} else {right} end"
