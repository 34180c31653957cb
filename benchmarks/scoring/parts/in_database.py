"""Prediction functions inside PostgreSQL: compiled SQL and PL/Python."""

from functools import partial

import psycopg
from psycopg import sql

from benchmarks.scoring.data import COMMA, FEATURES, PREDICTIONS
from benchmarks.scoring.models import Model
from benchmarks.scoring.parts.base import TABLE, Context, Part, Run, Server, Unavailable
from revlayer_udf import compiler, plpython, queries
from revlayer_udf.errors import RevlayerError

SQL = queries.load("benchmarks.scoring", "parts/in_database.sql")
# About 5,000 rows of the table.
BLOCK_PAGES = 200
WORKERS = "2"


def compiled_name(model: Model, form: str) -> str:
    """Stands for the target in the names of the functions."""
    return f"{model.name}_{form}"


def install_compiled(conn: psycopg.Connection, model: Model, form: str) -> str:
    """Install the compiled functions unless they are there, and return the form taken.

    Raises:
        Unavailable: the compiler refuses the model, or the server the statement.
    """
    try:
        compiled = compiler.compile_model(model.artefact, model.manifest, form=form)  # type: ignore[arg-type]
        compiler.install(conn, compiled, name=compiled_name(model, form))
    except RevlayerError as error:
        raise Unavailable(error.message) from None
    except psycopg.Error as error:
        raise Unavailable(f"the server refuses the function: {str(error).splitlines()[0]}") from None
    return compiled.form


def install_plpython(conn: psycopg.Connection, model: Model) -> str:
    """Install the functions in PL/Python, and return what stands for the target in their names.

    Raises:
        Unavailable: the server has no PL/Python.
    """
    reason = plpython.unavailable(conn)
    if reason is not None:
        raise Unavailable(reason)
    name = f"{model.name}_plpython"
    plpython.install(conn, model.manifest, name=name)
    return name


def _compiled(context: Context, form: str) -> Run:
    with context.connect("scorer") as conn:
        taken = install_compiled(conn, context.model, form)
        conn.commit()
    context.notes.append(f"{taken} form")
    return _by_row(context, compiled_name(context.model, form))


def _compiled_query(context: Context) -> Run:
    """The model as one SELECT over the relation, which alone of the forms runs in parallel workers."""
    try:
        compiled = compiler.compile_model(context.model.artefact, context.model.manifest, form="case")
    except RevlayerError as error:
        raise Unavailable(error.message) from None
    conn = context.connect(autocommit=True)
    conn.execute(SQL["workers"], [WORKERS])
    statement = sql.SQL(SQL["by_query"]).format(predictions=PREDICTIONS, query=sql.SQL(compiled.query()))
    plan = conn.execute(sql.SQL("explain {}").format(statement)).fetchall()
    if not any("Gather" in line for (line,) in plan):
        context.notes.append("the planner chose no parallel plan")

    def run() -> None:
        conn.execute(statement)

    return run


def _plpython_row(context: Context) -> Run:
    conn, name = _warm(context)
    return _by_row(context, name, conn)


def _warm(context: Context) -> tuple[psycopg.Connection, str]:
    """Return a connection whose backend has loaded the model, and what stands for the target in function names."""
    with context.connect() as conn:
        name = install_plpython(conn, context.model)
    conn = context.connect(autocommit=True)
    for function, value in ((f"predict_{name}", "null"), (f"predict_{name}_rows", "array[null]::double precision[]")):
        conn.execute(
            sql.SQL(SQL["call"]).format(
                function=sql.Identifier("scoring", function), arguments=arguments(sql.SQL(value) for _ in FEATURES)
            )
        )
    return conn, name


def _by_row(context: Context, name: str, conn: psycopg.Connection | None = None) -> Run:
    conn = conn or context.connect(autocommit=True)
    conn.execute(SQL["workers"], ["0"])
    statement = sql.SQL(SQL["by_row"]).format(
        predictions=PREDICTIONS, table=TABLE, function=sql.Identifier("scoring", f"predict_{name}"),
        arguments=arguments(sql.Identifier("f", each) for each in FEATURES),
    )  # fmt: skip

    def run() -> None:
        conn.execute(statement)

    return run


def _plpython_rows(context: Context) -> Run:
    conn, name = _warm(context)
    statement = sql.SQL(SQL["by_block"]).format(
        predictions=PREDICTIONS, table=TABLE, function=sql.Identifier("scoring", f"predict_{name}_rows"),
        relation=sql.Literal("features.ftr_deals"), pages=sql.Literal(BLOCK_PAGES),
        arrays=COMMA.join(sql.SQL(SQL["array"]).format(name=sql.Identifier(each)) for each in FEATURES),
        arguments=arguments(sql.Identifier("b", each) for each in FEATURES),
    )  # fmt: skip

    def run() -> None:
        conn.execute(statement)

    return run


def arguments(values: object) -> sql.Composed:
    """Return ``feature => value`` for every feature."""
    pairs = zip(FEATURES, values, strict=True)  # type: ignore[call-overload]
    return COMMA.join(sql.SQL(SQL["argument"]).format(name=sql.Identifier(name), value=value) for name, value in pairs)


def _compiled_parts(server: Server, suffix: str) -> tuple[Part, ...]:
    kinds = (
        ("sql_case", "compiled SQL, CASE, one backend", "case"),
        ("sql_table", "compiled SQL, table, one backend", "table"),
    )
    parallel = Part(
        "sql_parallel" + suffix, "compiled SQL, one query, parallel", "database", _compiled_query,
        server=server, creates_table=True,
    )  # fmt: skip
    return parallel, *(
        Part(name + suffix, title, "database", partial(_compiled, form=form), server=server, creates_table=True)
        for name, title, form in kinds
    )  # fmt: skip


PARTS = (
    *_compiled_parts("main", ""),
    Part("plpython_row", "PL/Python, row by row", "database", _plpython_row, server="plpython", creates_table=True),
    Part("plpython_set", "PL/Python, arrays", "database", _plpython_rows, server="plpython", creates_table=True),
    *_compiled_parts("plpython", "_15"),
)
