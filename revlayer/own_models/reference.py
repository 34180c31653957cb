"""The original file, scored by ONNX Runtime with its own inputs: what the wrapped graph is held against."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from onnx import TensorProto

from revlayer.own_models.description import Default, Description, OwnModelError, Reference
from revlayer.own_models.graph import TYPES, GraphInput, OwnGraph, session_of


@dataclass(frozen=True)
class Pick:
    """A part of one of our outputs.

    Attributes:
        output: name in the original graph.
        column: place of the column; None takes all of them.
        rank: dimensions of the original output, 1 or 2.
        width: columns of this part.
    """

    output: str
    column: int | None
    rank: int
    width: int


class Original:
    """The file as it was given.

    Args:
        content: its bytes.
        name: of the file, for messages.
    """

    def __init__(self, content: bytes, graph: OwnGraph, description: Description, name: str) -> None:
        self._session = session_of(content, name)
        self._graph = graph
        self._description = description
        self._name = name

    def run(self, table: pa.Table) -> dict[str, np.ndarray]:
        """Score rows; by name of the original output, ZipMap's dictionaries as a matrix.

        Raises:
            OwnModelError: ONNX Runtime raises an error.
        """
        feeds = {found.name: self._feed(found, table) for found in self._graph.inputs}
        names = sorted({part.output for parts in self._description.outputs.values() for part in parts})
        known = [output.name for output in self._session.get_outputs()]
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise OwnModelError(f"{self._name} has no output {', '.join(unknown)}", f"It has {', '.join(known)}.")
        try:
            results = self._session.run(names, feeds)
        except Exception as error:  # onnxruntime's errors share no base class
            raise OwnModelError(f"{self._name} fails on the newest rows: {error}", None) from None
        return {name: self._matrix(name, result) for name, result in zip(names, results, strict=True)}

    def picks(self, table: pa.Table) -> dict[str, list[Pick]]:
        """Find the parts of our outputs in what the graph returns for some rows.

        Raises:
            OwnModelError: a column or class that is not there, or an output that is no matrix of numbers.
        """
        results = self.run(table)
        return {
            name: [self._pick(part, results[part.output], table.num_rows) for part in parts]
            for name, parts in self._description.outputs.items()
        }

    def outputs(self, table: pa.Table, picks: Mapping[str, list[Pick]]) -> dict[str, np.ndarray]:
        """Return our outputs as the original file gives them: float64 [N, width]."""
        results = self.run(table)
        found = {}
        for name, parts in picks.items():
            columns = []
            for part in parts:
                matrix = results[part.output].reshape(table.num_rows, -1).astype(np.float64)
                columns.append(matrix if part.column is None else matrix[:, [part.column]])
            found[name] = np.hstack(columns)
        return found

    def _feed(self, found: GraphInput, table: pa.Table) -> np.ndarray:
        columns = self._description.inputs[found.name].columns
        defaults = self._description.null_defaults
        if found.type == TensorProto.STRING:
            return np.column_stack([_texts(table[name], defaults.get(name, "")) for name in columns])
        numbers = np.column_stack([_numbers(table[name], defaults.get(name, np.nan)) for name in columns])
        with np.errstate(over="ignore", invalid="ignore"):
            return numbers.astype(TYPES[found.type])

    def _matrix(self, name: str, result: Any) -> np.ndarray:
        if isinstance(result, list) and result and isinstance(result[0], dict):
            labels = self._graph.classes[name]
            return np.array([[row[label] for label in labels] for row in result], np.float32)
        return np.asarray(result)

    def _pick(self, part: Reference, array: np.ndarray, rows: int) -> Pick:
        if array.ndim not in (1, 2) or array.shape[0] != rows or array.dtype.kind not in "fiu":
            raise OwnModelError(
                f"{self._name}: the output {part.output} is {array.dtype} of shape {array.shape} for {rows} rows",
                "An output is a number, or a row of numbers, for each row.",
            )
        width = 1 if array.ndim == 1 else array.shape[1]
        column = part.column if part.class_label is None else self._place(part, width)
        if column is not None and column >= width:
            raise OwnModelError(
                f"{self._name}: {part.output} has {width} columns, the first is [0]; there is no [{column}]"
            )
        return Pick(part.output, column, array.ndim, width if column is None else 1)

    def _place(self, part: Reference, width: int) -> int:
        told = self._description.class_labels
        own = self._graph.classes.get(part.output, ())
        if told and own and [str(label) for label in told] != [str(label) for label in own]:
            raise OwnModelError(
                f"class_labels are {list(told)}, the graph says {list(own)} for {part.output}",
                "Leave class_labels out: the graph knows.",
            )
        labels = [str(label) for label in told or own]
        if len(labels) != width:
            raise OwnModelError(
                f"{part.output} has {width} columns and {len(labels)} class labels are known",
                "Give class_labels in the order of the columns, or the column: probabilities[1]",
            )
        if str(part.class_label) not in labels:
            raise OwnModelError(
                f"{part.output} has no class {part.class_label}", f"Its classes are {', '.join(labels)}."
            )
        return labels.index(str(part.class_label))


def _numbers(column: pa.ChunkedArray, default: Default) -> np.ndarray:
    kind = column.type
    column = column.cast(pa.int8()) if pa.types.is_boolean(kind) else column
    values = np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)
    return np.where(np.isnan(values), float(default), values)


def _texts(column: pa.ChunkedArray, default: Default) -> np.ndarray:
    return np.array([text or str(default) for text in column.to_pylist()], dtype=object)
