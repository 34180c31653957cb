"""TreeEnsembleRegressor, TreeEnsembleClassifier and TreeEnsemble (ai.onnx.ml 1 to 5)."""

from collections.abc import Sequence

import onnx

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.forests.case import combine, tree_expressions
from revlayer_udf.compiler.forests.choice import form_of
from revlayer_udf.compiler.forests.classes import Classes, added, classes_of
from revlayer_udf.compiler.forests.reading import as_regressor, read, same_in_every_tree, scored_always
from revlayer_udf.compiler.forests.slots import Slots, slot_expression
from revlayer_udf.compiler.forests.table import StoredForest
from revlayer_udf.compiler.forests.transforms import logistic, transformed
from revlayer_udf.compiler.operators import ML, operator
from revlayer_udf.compiler.values import Cell, Kind, Value, cell, literal
from revlayer_udf.ensemble import Ensemble
from revlayer_udf.errors import ArtefactError, UnsupportedOperator
from revlayer_udf.onnx_nodes import attributes


@operator("TreeEnsembleRegressor", domain=ML)
def tree_ensemble_regressor(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Targets of an ensemble."""
    return [Value.of(Kind.FLOAT, _targets(context, node))]


@operator("TreeEnsemble", domain=ML)
def tree_ensemble(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Targets of an ensemble in the type of its input."""
    return [Value.of(context.batch(node).kind, _targets(context, as_regressor(node)))]


@operator("TreeEnsembleClassifier", domain=ML)
def tree_ensemble_classifier(context: Context, node: onnx.NodeProto) -> Sequence[Value]:
    """Label and class scores of an ensemble."""
    _, totals = _totals(context, node)
    classes = classes_of(node, [context.bind(total) for total in totals])
    transform = attributes(node).get("post_transform", "NONE")
    if classes.is_complement and transform in {"NONE", "SOFTMAX"}:
        scores = classes.scores
    elif classes.is_complement and transform == "LOGISTIC":
        total = context.bind(classes.scores[1])
        scores = [logistic(context, cell("- {0}", total, exact=False)), logistic(context, total)]
    else:
        scores = transformed(context, node.op_type, transform, classes.scores)
    return [_label(context, classes), Value.of(Kind.FLOAT, scores)]


def _targets(context: Context, node: onnx.NodeProto) -> list[Cell]:
    found = attributes(node)
    ensemble, totals = _totals(context, node)
    if ensemble.aggregate in {"MIN", "MAX"} and not same_in_every_tree(node):
        raise UnsupportedOperator(node.op_type, f"its leaves do not all have a value for {ensemble.aggregate} to take")
    always = scored_always(node)
    based = []
    for target, (total, base) in enumerate(zip(totals, ensemble.base.tolist(), strict=True)):
        if base and target in always and not always[target]:
            why = "a target with a base value is missing in some leaves, and ONNX Runtime adds it by the row"
            raise UnsupportedOperator(node.op_type, why)
        based.append(added(total, base) if target in always else total)
    transform = found.get("post_transform", "NONE")
    # ONNX Runtime transforms several targets; of one only by PROBIT.
    if len(based) == 1 and transform in {"LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"}:
        return based
    return transformed(context, node.op_type, transform, based)


def _totals(context: Context, node: onnx.NodeProto) -> tuple[Ensemble, list[Cell]]:
    """Return the ensemble and its aggregate for each target, without base."""
    x = context.batch(node)
    try:
        ensemble = read(node, is_double=x.kind is Kind.DOUBLE)
        slots = Slots.of(ensemble)
    except ArtefactError as error:
        raise UnsupportedOperator(node.op_type, error.message) from None
    atoms = _slot_atoms(context, node, x, slots)
    context.leaf_count += ensemble.leaf_count
    form = form_of(ensemble, context.form)
    context.forms.append(form)
    write = _as_case if form == "case" else _as_table
    return ensemble, write(context, ensemble, slots, atoms)


def _slot_atoms(context: Context, node: onnx.NodeProto, x: Value, slots: Slots) -> list[Cell]:
    cells = x.flat()
    if x.rank != 2 or slots.features.max(initial=0) >= len(cells):
        raise UnsupportedOperator(node.op_type, f"its input of {x.shape} has not the columns that its nodes compare")
    if x.kind.is_integer:
        cells = [cell("{0}::float4::float8", found) for found in cells]
    atoms = []
    for feature, missing_left in zip(slots.features.tolist(), slots.missing_left.tolist(), strict=True):
        atom = context.exact(cells[feature], x.kind)
        if missing_left and not x.kind.is_integer:
            atom = context.bind(cell(slot_expression("{0}", missing_left=True), atom))
        atoms.append(atom)
    return atoms or [literal(Kind.FLOAT, 0.0)]


def _as_case(context: Context, ensemble: Ensemble, slots: Slots, atoms: list[Cell]) -> list[Cell]:
    columns, names = [atom.text for atom in atoms], frozenset[str]().union(*(atom.names for atom in atoms))
    totals: list[Cell] = []
    for target in range(ensemble.target_count):
        terms = tree_expressions(ensemble, slots, columns, target)
        totals.append(context.bind(Cell(combine(terms, ensemble.aggregate), names, is_exact=False)))
    return totals


def _as_table(context: Context, ensemble: Ensemble, slots: Slots, atoms: list[Cell]) -> list[Cell]:
    forest = StoredForest.of(ensemble, slots)
    context.forests.append(forest)
    columns, names = [atom.text for atom in atoms], frozenset[str]().union(*(atom.names for atom in atoms))
    return context.lateral(lambda outputs: forest.query(columns, outputs), forest.target_count, names)


def _label(context: Context, classes: Classes) -> Value:
    kind = Kind.STRING if isinstance(classes.labels[0], str) else Kind.INT64
    labels = [literal(kind, label) for label in classes.labels]
    if classes.decisive is not None:
        decisive = context.exact(classes.decisive, Kind.FLOAT)
        chosen = cell(
            "case when {0} > {1} then {2} else {3} end",
            decisive, literal(Kind.FLOAT, classes.bound), labels[1], labels[0],
        )  # fmt: skip
        return Value.shaped(kind, [chosen], (1,))
    scores = {at: context.exact(classes.scores[at], Kind.FLOAT) for at in classes.candidates}
    return Value.shaped(kind, [first_largest(list(scores.values()), [labels[at] for at in scores])], (1,))


def first_largest(scores: Sequence[Cell], labels: Sequence[Cell]) -> Cell:
    """Return the label of the largest score, of equal ones the first. NaN wins only in the first place."""
    count = len(scores)
    others = [f"nullif({{{at}}}, 'NaN'::float8)" for at in range(1, count)]
    largest = f"greatest({', '.join(['{0}', *others])})"
    branches = " ".join(f"when {{{at}}} then {{{count + at}}}" for at in range(count))
    return cell(f"case {largest} {branches} end", *scores, *labels)
