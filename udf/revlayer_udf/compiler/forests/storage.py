"""Forests in and out of their tables."""

from collections.abc import Iterable, Iterator

import psycopg
from numpy.typing import NDArray

from revlayer_udf.compiler.forests.table import StoredForest
from revlayer_udf.queries import load

_QUERIES = load("revlayer_udf", "queries/compiled_forests.sql")
_CHUNK = 2000


def store(conn: psycopg.Connection, forests: Iterable[StoredForest], function_name: str) -> None:
    """Write what a function reads, in the caller's transaction, and forget what it read before.

    Args:
        conn: as role scorer, which owns the tables.
        forests: none, for a function that reads no table.
        function_name: who reads them.
    """
    with conn.cursor() as cursor:
        cursor.execute(_QUERIES["forget_uses"], {"function_name": function_name})
        added = False
        for forest in forests:
            added |= _add(cursor, forest)
            cursor.execute(_QUERIES["add_use"], {"function_name": function_name, "forest_key": forest.key})
        cursor.execute(_QUERIES["remove_unused"])
        if added:
            cursor.execute(_QUERIES["analyze"])


def remove(conn: psycopg.Connection, function_name: str) -> None:
    """Forget what a function read; forests that no other function reads go."""
    store(conn, (), function_name)


def _add(cursor: psycopg.Cursor, forest: StoredForest) -> bool:
    head = {"forest_key": forest.key, "tree_count": forest.tree_count, "leaf_count": len(forest.values)}
    cursor.execute(_QUERIES["add_forest"], head)
    if cursor.fetchone() is None:
        return False
    blocks, values = forest.blocks, forest.leaf_values
    with cursor.copy(_QUERIES["copy_blocks"]) as copy:
        for chunk in _chunks(forest.key, blocks.slots, blocks.thresholds, blocks.exits, values):
            copy.write(chunk)
    if values is None:
        with cursor.copy(_QUERIES["copy_leaves"]) as copy:
            for chunk in _chunks(forest.key, forest.values):
                copy.write(chunk)
    return True


def _chunks(key: int, *arrays: NDArray | None) -> Iterator[str]:
    """Yield lines of COPY text: the key, the number of the row from 1, and a row of each array."""
    count = max(len(array) for array in arrays if array is not None)
    for start in range(0, count, _CHUNK):
        stop = min(start + _CHUNK, count)
        texts = [_texts(array, start, stop) for array in arrays]
        rows = zip(range(start + 1, stop + 1), *texts, strict=True)
        yield "".join(f"{key}\t{number}\t" + "\t".join(row) + "\n" for number, *row in rows)


def _texts(array: NDArray | None, start: int, stop: int) -> list[str]:
    if array is None:
        return [r"\N"] * (stop - start)
    return ["{" + str(row)[1:-1] + "}" for row in array[start:stop].tolist()]
