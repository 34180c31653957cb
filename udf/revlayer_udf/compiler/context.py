"""What a translator of an operator works with: the tensors so far, and columns made once and used many times."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from revlayer_udf.compiler.values import Cell, Kind, Value, cell, kind_of_array, number
from revlayer_udf.errors import UnsupportedOperator

# A double holds products of this many float32 without overflow or underflow, which PostgreSQL answers with an error.
MOST_FACTORS = 4
# From here on a float32 is infinite, and up to here zero: half a step beyond the largest and the smallest.
INFINITE = 3.4028235677973366e38
ZERO = 2.0**-150


@dataclass(frozen=True)
class Column:
    """A named expression; ``level`` is the layer of the query that computes it."""

    name: str
    text: str
    names: frozenset[str]
    level: int


@dataclass(frozen=True)
class Lateral:
    """A query of one row, joined to each row of its layer."""

    query: str
    outputs: tuple[str, ...]
    names: frozenset[str]
    level: int


@dataclass
class Context:
    """The state of one compilation.

    Attributes:
        form: how tree ensembles are written: ``case``, ``table``, or ``auto`` by their size.
        opsets: version by domain.
        forests: ensembles whose trees are rows of a table.
        leaf_count: leaves of all ensembles.
        stepped: tensors that must be rounded to float32, see precision.py.
    """

    form: str
    opsets: dict[str, int]
    stepped: frozenset[str] = frozenset()
    values: dict[str, Value] = field(default_factory=dict)
    uses: Counter[str] = field(default_factory=Counter)
    levels: dict[str, int] = field(default_factory=dict)
    columns: list[Column] = field(default_factory=list)
    laterals: list[Lateral] = field(default_factory=list)
    forests: list[Any] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)
    leaf_count: int = 0

    def inputs(self, node: onnx.NodeProto) -> list[Value | None]:
        """Return a node's inputs; None where an optional one is left out."""
        for name in node.input:
            if name and name not in self.values:
                raise UnsupportedOperator(node.op_type, f"its input {name} is made later, or is a sparse constant")
        return [self.values[name] if name else None for name in node.input]

    def input(self, node: onnx.NodeProto, place: int = 0) -> Value:
        """Return an input that must be there."""
        found = self.inputs(node)[place]
        if found is None:
            raise UnsupportedOperator(node.op_type, f"its input {place} is missing")
        return found

    def batch(self, node: onnx.NodeProto, place: int = 0) -> Value:
        """Return an input that is a row batch."""
        found = self.input(node, place)
        if found.is_constant:
            raise UnsupportedOperator(node.op_type, f"its input {place} is a constant, not a batch of rows")
        return found

    def constant(self, node: onnx.NodeProto, place: int) -> NDArray[Any] | None:
        """Return an optional input that must be a constant."""
        found = self.inputs(node)[place] if place < len(node.input) else None
        if found is None:
            return None
        if found.array is None:
            raise UnsupportedOperator(node.op_type, f"its input {place} is not a constant")
        return found.array

    def bind(self, found: Cell) -> Cell:
        """Return an atom: a name whose column is computed once."""
        if found.is_atom:
            return found
        level = self.level(found.names) + 1
        name = f"c{len(self.levels)}"
        self.levels[name] = level
        self.columns.append(Column(name, found.text, found.names, level))
        return Cell(name, frozenset([name]), True, found.is_exact, found.factors)

    def level(self, names: frozenset[str]) -> int:
        """Return the layer in which all of the names are known."""
        return max((self.levels[name] for name in names), default=0)

    def lateral(self, query: Callable[[list[str]], str], width: int, names: frozenset[str]) -> list[Cell]:
        """Join a query of one row.

        Args:
            query: takes the names its result columns are to have.
            width: number of result columns.
            names: columns the query refers to.

        Returns:
            Its columns, as floats that are not exact.
        """
        level = self.level(names) + 1
        outputs = [f"c{len(self.levels) + place}" for place in range(width)]
        self.levels |= dict.fromkeys(outputs, level)
        self.laterals.append(Lateral(query(outputs), tuple(outputs), names, level))
        return [Cell(name, frozenset([name]), True, False) for name in outputs]

    def exact(self, found: Cell, kind: Kind) -> Cell:
        """Return an atom that holds the float32 nearest to the expression: what ONNX Runtime compares."""
        if kind is not Kind.FLOAT or found.is_exact:
            return self.bind(found)
        return self.bind(rounded(self.bind(found)))

    def exact_value(self, value: Value) -> Value:
        """Return a tensor of exact atoms."""
        return value.map(lambda found: self.exact(found, value.kind))

    def bounded(self, found: Cell, kind: Kind) -> Cell:
        """Return an expression that may be multiplied once more without leaving a double's range."""
        return self.exact(found, kind) if kind is Kind.FLOAT and found.factors >= MOST_FACTORS else found

    def broadcast(self, node: onnx.NodeProto, *values: Value) -> list[NDArray[np.object_]]:
        """Return the operands' cells in one common shape; what is repeated is bound first.

        Raises:
            UnsupportedOperator: rows would be combined with other rows.
        """
        rank = max(value.rank for value in values)
        for value in values:
            shape = value.shape
            is_row_wise = value.rank == rank if not value.is_constant else value.rank < rank or shape[:1] in ((), (1,))
            if not is_row_wise:
                raise UnsupportedOperator(node.op_type, f"its operands of {value.shape} do not go row by row")
        try:
            target = np.broadcast_shapes(*(value.shape for value in values))
        except ValueError:
            raise UnsupportedOperator(node.op_type, "its operands' shapes do not fit together") from None
        size = int(np.prod(target))
        bound = [value.map(self.bind) if value.as_cells().size < size else value for value in values]
        return [np.broadcast_to(value.as_cells(), target) for value in bound]


def rounded(atom: Cell) -> Cell:
    """Return a double as the nearest float32; beyond its range infinite or zero, where a cast would be an error."""
    infinite, zero = number(INFINITE), number(ZERO)
    return cell(
        f"case when abs({{0}}) > {zero} and abs({{0}}) < {infinite} then {{0}}::float4::float8"
        f" when abs({{0}}) <= {zero} then {{0}} * '0'::float8 when {{0}} = 'NaN'::float8 then {{0}}"
        " when {0} > '0'::float8 then 'Infinity'::float8 else '-Infinity'::float8 end",
        atom, factors=1,
    )  # fmt: skip


def fold(node: onnx.NodeProto, inputs: Sequence[Value | None], context: Context) -> list[Value]:
    """Compute a node whose inputs are all constant, with ONNX Runtime."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    initializers = []
    for name, value in zip(node.input, inputs, strict=True):
        if value is not None and value.array is not None:
            array = value.array.astype(object) if value.kind is Kind.STRING else value.array
            initializers.append(numpy_helper.from_array(array, name))
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    graph = helper.make_graph([copy], "folded", [], outputs, initializers)
    opsets = [helper.make_opsetid(domain, version) for domain, version in context.opsets.items()]
    model = helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 8
    try:
        session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        arrays = session.run(None, {})
    except Exception as error:  # onnxruntime's errors share no base class
        raise UnsupportedOperator(node.op_type, f"its constant could not be computed: {error}") from None
    made = (Value(kind_of_array(np.asarray(array), node.op_type), array=np.asarray(array)) for array in arrays)
    names = iter(made)
    return [next(names) if name else Value(Kind.FLOAT, array=np.zeros(0, np.float32)) for name in node.output]
