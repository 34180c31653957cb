"""From an ONNX graph to one SELECT: subqueries in layers, each fenced, so that nothing is computed twice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx
from onnx import numpy_helper

from revlayer_udf.compiler.context import Column, Context, Lateral, fold, rounded
from revlayer_udf.compiler.operators import translator
from revlayer_udf.compiler.precision import stepped
from revlayer_udf.compiler.values import UNBOUNDED, Cell, Kind, Value, kind_of_array, kind_of_type
from revlayer_udf.errors import UnsupportedOperator

# Keeps the planner from pulling a subquery up, which would compute its columns again wherever they are used. Quoted,
# the zero is a bigint from the start and seen to cut off nothing, so parallel workers may run the subquery.
FENCE = "offset '0'"
# PostgreSQL's limit on the columns of one result.
MAX_COLUMNS = 1664
# Of one expression in characters: a chain of operations nests, and PostgreSQL's stack is limited.
MAX_LENGTH = 10_000
# What a translator comes upon in a node that lacks an attribute, or whose lists and shapes do not fit each other. Such
# graphs come from elsewhere, and some of them load in ONNX Runtime.
MALFORMED = (LookupError, ValueError, TypeError, AssertionError)


@dataclass(frozen=True)
class Program:
    """A compiled graph.

    Attributes:
        inputs: by input of the graph, kind and names of the columns that a source must have.
        outputs: by output of the graph, kind and expressions over the last layer.
        forests: ensembles to be stored as rows before the program can run.
        leaf_count: leaves of all tree ensembles.
        forms: of the tree ensembles, in order: ``case`` or ``table``.
    """

    inputs: Mapping[str, tuple[Kind, tuple[str, ...]]]
    outputs: Mapping[str, tuple[Kind, tuple[Cell, ...]]]
    columns: tuple[Column, ...]
    laterals: tuple[Lateral, ...]
    forests: tuple[Any, ...]
    leaf_count: int
    forms: tuple[str, ...]

    def select(self, source: str, shown: str, handed_on: Sequence[str] = ()) -> str:
        """Return the query.

        Args:
            source: a query with the input columns, numbers not null.
            shown: select list over the columns of the outputs, and those handed on.
            handed_on: further columns of the source.

        Raises:
            UnsupportedOperator: a layer has more columns than PostgreSQL allows.
        """
        last = max([0, *(item.level for item in self._items())])
        query = f"({source} {FENCE}) as s0"
        known = [*handed_on, *(name for _, names in self.inputs.values() for name in names)]
        for level in range(1, last + 1):
            columns = [item for item in self.columns if item.level == level]
            joined = [item for item in self.laterals if item.level == level]
            later = self._needed_after(level).union(handed_on)
            kept = [name for name in known if name in later]
            made = [f"{item.text} as {item.name}" for item in columns]
            made += [name for item in joined for name in item.outputs]
            known = [*kept, *(item.name for item in columns), *(name for item in joined for name in item.outputs)]
            if len(known) > MAX_COLUMNS:
                raise UnsupportedOperator("the graph", f"it needs {len(known)} columns at once, {MAX_COLUMNS} is most")
            joins = "".join(f" cross join lateral ({item.query}) as j{level}_{i}" for i, item in enumerate(joined))
            query = f"(select {', '.join([*kept, *made]) or 'true'} from {query}{joins} {FENCE}) as s{level}"
        return f"select {shown} from {query}"

    def _needed_after(self, level: int) -> set[str]:
        needed = {name for _, cells in self.outputs.values() for found in cells for name in found.names}
        for item in self._items():
            if item.level > level:
                needed |= item.names
        return needed

    def _items(self) -> list[Column | Lateral]:
        return [*self.columns, *self.laterals]


def translate(model: onnx.ModelProto, form: str = "auto", outputs: set[str] | None = None) -> Program:
    """Translate a graph whose inputs are row batches [N] or [N, W].

    Args:
        form: of tree ensembles: ``case``, ``table`` or ``auto``.
        outputs: which outputs; all by default. Only what they need is translated.

    Raises:
        UnsupportedOperator: naming the operator, and what of it has no translation.
    """
    graph = model.graph
    wanted = [output.name for output in graph.output if outputs is None or output.name in outputs]
    nodes = _needed(graph, wanted)
    opsets = {opset.domain if opset.domain != "ai.onnx" else "": opset.version for opset in model.opset_import}
    context = Context(form, opsets, stepped(nodes), uses=Counter(name for node in nodes for name in node.input))
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        context.values[tensor.name] = Value(kind_of_array(array, f"the constant {tensor.name}"), array=array)
    inputs = _add_inputs(graph, context)
    for node in nodes:
        _translate_node(node, context)
    shown = {name: _output(context, name) for name in wanted}
    return Program(
        inputs, shown, tuple(context.columns), tuple(context.laterals), tuple(context.forests),
        context.leaf_count, tuple(context.forms),
    )  # fmt: skip


def _needed(graph: onnx.GraphProto, outputs: list[str]) -> list[onnx.NodeProto]:
    wanted, kept = set(outputs), []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]


def _add_inputs(graph: onnx.GraphProto, context: Context) -> dict[str, tuple[Kind, tuple[str, ...]]]:
    found: dict[str, tuple[Kind, tuple[str, ...]]] = {}
    for place, entry in enumerate(graph.input):
        if entry.name in context.values:
            continue
        kind = kind_of_type(entry.type.tensor_type.elem_type, f"the input {entry.name}")
        dims = entry.type.tensor_type.shape.dim
        widths = [dim.dim_value for dim in dims[1:]]
        if not dims or len(widths) > 1 or any(width < 1 for width in widths):
            raise UnsupportedOperator(f"the input {entry.name}", "it is not a batch of rows [N] or [N, width]")
        names = tuple(f"i{place}_{column}" for column in range(widths[0] if widths else 1))
        context.levels |= dict.fromkeys(names, 0)
        factors = UNBOUNDED if kind is Kind.DOUBLE else 1
        cells = [Cell(name, frozenset([name]), True, factors=factors) for name in names]
        made = Value.of(kind, cells)
        context.values[entry.name] = made if widths else Value(kind, made.as_cells().reshape(1))
        found[entry.name] = (kind, names)
    return found


def _translate_node(node: onnx.NodeProto, context: Context) -> None:
    translate_operator = translator(node)
    inputs = context.inputs(node)
    if inputs and all(value is None or value.is_constant for value in inputs):
        made = fold(node, inputs, context)
    else:
        try:
            made = list(translate_operator(context, node))
        except MALFORMED as error:
            raise UnsupportedOperator(node.op_type, f"its attributes do not fit: {error or type(error)!r}") from error
    for name, value in zip(node.output, made, strict=False):
        if name:
            context.values[name] = value if value.is_constant else _settled(name, value, context)


def _settled(name: str, value: Value, context: Context) -> Value:
    """Name what is used more than once or grows too long, and round what a step follows on."""
    if name in context.stepped and value.kind is Kind.FLOAT:
        return context.exact_value(value)
    if context.uses[name] > 1:
        return value.map(context.bind)
    return value.map(lambda found: context.bind(found) if len(found.text) > MAX_LENGTH else found)


def _output(context: Context, name: str) -> tuple[Kind, tuple[Cell, ...]]:
    value = context.values[name]
    cells = value.flat()
    if value.kind is Kind.FLOAT:
        # As float32, like ONNX Runtime's: rounded, and infinite where that is.
        cells = [found if found.is_exact else rounded(context.bind(found)) for found in cells]
    return value.kind, tuple(cells)
