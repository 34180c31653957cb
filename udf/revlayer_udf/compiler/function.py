"""From a program to functions: one row, arrays of rows, and reasons, with the signatures every engine shares."""

from collections.abc import Mapping, Sequence

import onnx
from psycopg import sql

from revlayer_udf.compiler.context import rounded
from revlayer_udf.compiler.program import Program, translate
from revlayer_udf.compiler.values import Cell, Kind, number, string
from revlayer_udf.errors import UnsupportedOperator
from revlayer_udf.manifest import RUNG_OUTPUT, RUNGS, Manifest
from revlayer_udf.reasons.explanation import BASE_SCORE, CONTRIBUTIONS
from revlayer_udf.signatures import REASON_COUNT, Function

# Inlined, the function costs what its expressions cost; kept whole, it is no cheap condition either.
COST = 1000


def row_query(program: Program, manifest: Manifest, function: Function) -> str:
    """Return the body of the row function: its arguments as ``$1`` …, its columns in order."""
    names = iter(function.columns)
    shown = [f"{text} as {_quoted(next(names).name)}" for text in _shown(program, manifest)]
    return program.select(arguments_query(program, manifest), ", ".join(shown))


def rows_query(row: Function, rows: Function) -> str:
    """Return the body of the set function: the row function over arrays that are unnested together."""
    arrays = ", ".join(f"${place}" for place in range(1, len(rows.arguments) + 1))
    names = [f"a{place}" for place in range(1, len(rows.arguments) + 1)]
    columns = ", ".join(f"scored.{_quoted(column.name)}" for column in row.columns)
    values = ", ".join(f"entered.{name}" for name in names)
    return (
        f"select entered.row_number, {columns}"
        f" from rows from (unnest({arrays})) with ordinality as entered ({', '.join(names)}, row_number)"
        f" cross join lateral scoring.{_quoted(row.name)}({values}) as scored"
    )


def relation_query(program: Program, manifest: Manifest, row: Function, key: str) -> str:
    """Return one SELECT over the feature relation: key and predictions of every row.

    A lateral call never runs in parallel workers; this does, where the trees are written as CASE.
    """
    shown = [f"k as {_quoted(key)}"]
    shown += [
        f"{text} as {_quoted(column.name)}" for text, column in zip(_shown(program, manifest), row.columns, strict=True)
    ]
    columns = {feature.name: f"f.{_quoted(feature.name)}" for feature in manifest.features}
    relation = sql.Identifier(*manifest.feature_relation.split(".")).as_string(None)
    source = f"select f.{_quoted(key)} as k, {_inputs(program, manifest, columns)} from {relation} as f"
    return program.select(source, ", ".join(shown), ["k"])


def explain_query(program: Program, manifest: Manifest) -> str:
    """Return the body of the reasons function: contributions ranked by size, equal ones in the order of features."""
    assert manifest.raw_output is not None, "the caller asks for reasons only of a model with a raw score"
    contributions = program.outputs[CONTRIBUTIONS][1]
    shown = [f"{program.outputs[BASE_SCORE][1][0]} as base_score"]
    shown += [f"{program.outputs[manifest.raw_output][1][0]} as raw_score"]
    shown += [f"array[{', '.join(cell.text for cell in contributions)}]::float8[] as contributions"]
    scored = program.select(arguments_query(program, manifest), ", ".join(shown))
    labels = ", ".join(string(feature.label) for feature in manifest.features)
    known = f" and {_known(manifest)}" if manifest.reasons_skip_unknown else ""
    columns = ", ".join(
        f"reasons.labels[{rank}] as reason_{rank}, reasons.contributions[{rank}] as reason_{rank}_contribution"
        for rank in range(1, REASON_COUNT + 1)
    )
    return (
        f"select scored.base_score, scored.raw_score, {columns} from ({scored} offset 0) as scored"
        " cross join lateral (select array_agg(ranked.label order by ranked.place) as labels,"
        " array_agg(ranked.contribution order by ranked.place) as contributions from ("
        "select found.label, found.contribution, row_number() over"
        " (order by abs(found.contribution) desc, found.place) as place"
        f" from rows from (unnest(scored.contributions), unnest(array[{labels}])) with ordinality"
        f" as found (contribution, label, place) where found.contribution <> '0'::float8{known}"
        f" order by place limit {REASON_COUNT}) as ranked) as reasons"
    )


def _known(manifest: Manifest) -> str:
    """Return whether the argument of the feature at a place is known."""
    missing = {"number": number(float("nan")), "text": "''"}
    tests = [f"${place} <> {missing[feature.type]}" for place, feature in enumerate(manifest.features, 1)]
    return f"(array[{', '.join(tests)}])[found.place]"


def arguments_query(program: Program, manifest: Manifest) -> str:
    """Return a query of one row: each argument as the program's input."""
    places = {feature.name: f"${place}" for place, feature in enumerate(manifest.features, 1)}
    return f"select {_inputs(program, manifest, places)}"


def _inputs(program: Program, manifest: Manifest, expressions: Mapping[str, str]) -> str:
    """Return the select list of the program's inputs, from an expression for each feature; null is NaN or ''."""
    shown = []
    for name, features in (("numeric", manifest.numbers), ("categorical", manifest.texts)):
        if name not in program.inputs:
            continue
        kind, columns = program.inputs[name]
        if len(columns) != len(features) or kind is not (Kind.FLOAT if name == "numeric" else Kind.STRING):
            raise UnsupportedOperator(f"the input {name}", f"it has {len(columns)} columns of {kind}")
        for column, feature in zip(columns, features, strict=True):
            argument = expressions[feature]
            if kind is Kind.STRING:
                # Compared by bytes, whatever collation the caller's column has: two texts are one key, or they are not.
                shown.append(f"coalesce({argument}, '') collate \"C\" as {column}")
            else:
                known = f"coalesce({argument}, {number(float('nan'))})"
                shown.append(f"{rounded(Cell(known, is_atom=True))} as {column}")
    return ", ".join(shown) or "true as nothing"


def create(function: Function, query: str, *, is_set: bool, reads_tables: bool) -> sql.Composed:
    """Return the statement that creates or replaces a function.

    Every argument may be left out: unknown, for all rows where it is an array. It has no SET clause and is no security
    definer, either of which would keep the planner from inlining it; so the body names the schema of every table.
    """
    arguments = [
        sql.SQL("{} {} default null").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in function.arguments
    ]
    columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in function.columns]
    return sql.SQL(
        "create or replace function {name}({arguments}) returns table ({columns}) language sql {volatility}"
        " parallel safe security invoker cost {cost} rows {rows} as {body}"
    ).format(
        name=sql.Identifier("scoring", function.name),
        arguments=sql.SQL(", ").join(arguments),
        columns=sql.SQL(", ").join(columns),
        volatility=sql.SQL("stable" if reads_tables else "immutable"),
        cost=sql.Literal(COST),
        rows=sql.Literal(1000 if is_set else 1),
        body=sql.Literal(query),
    )


def program_of(artefact: bytes, outputs: Sequence[str], form: str) -> Program:
    """Translate the part of an artefact that some outputs need."""
    return translate(onnx.load_model_from_string(artefact), form, set(outputs))


def _shown(program: Program, manifest: Manifest) -> list[str]:
    found = []
    for name in manifest.predictions:
        kind, cells = program.outputs[name]
        if name == RUNG_OUTPUT and kind.is_integer:
            branches = " ".join(f"when {place} then {string(rung)}" for place, rung in enumerate(RUNGS))
            found.append(f"case {cells[0].text} {branches} end")
        else:
            found += [cell.text for cell in cells]
    return found


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)
