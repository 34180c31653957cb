"""Compiled functions in and out of a database."""

import psycopg
from psycopg import sql

from revlayer_udf import queries
from revlayer_udf.compiler.compilation import CompiledModel
from revlayer_udf.compiler.forests import storage
from revlayer_udf.errors import RegistryError
from revlayer_udf.signatures import Function

_SQL = queries.load("revlayer_udf", "queries/compiled_functions.sql")
ENGINE = "sql"


def install(conn: psycopg.Connection, compiled: CompiledModel, *, name: str | None = None) -> tuple[str, ...]:
    """Create the functions of a compiled model, all or none; older ones of these names give way.

    Args:
        conn: of the role scorer, or of one that may set it.
        name: stands for the target in the functions' names.

    Returns:
        Names of the functions.

    Raises:
        RegistryError: a view depends on an older function with other arguments or columns.
    """
    label = name or compiled.manifest.target
    functions = compiled.functions(name)
    with conn.transaction():
        conn.execute(_SQL["lock"], [label])
        if compiled.explain is None:
            _drop(conn, f"explain_{label}")
            storage.remove(conn, f"explain_{label}")
        for function, statement, forests in functions:
            _drop_others(conn, function)
            storage.store(conn, forests, function.name)
            conn.execute(statement)
            comment = f"{ENGINE}: {compiled.manifest.model_version}"
            conn.execute(
                sql.SQL(_SQL["comment"]).format(
                    function=sql.Identifier("scoring", function.name),
                    types=sql.SQL(", ".join(kind for _, kind in function.arguments)),
                    comment=sql.Literal(comment),
                )
            )
    return tuple(function.name for function, _, _ in functions)


def uninstall(conn: psycopg.Connection, target: str) -> tuple[str, ...]:
    """Drop the compiled functions of a target and what they read, and return their names."""
    dropped = []
    with conn.transaction():
        conn.execute(_SQL["lock"], [target])
        for name in (f"predict_{target}_rows", f"predict_{target}", f"explain_{target}"):
            if conn.execute(_SQL["is_compiled"], [name, f"{ENGINE}: %"]).fetchone():
                _drop(conn, name)
                storage.remove(conn, name)
                dropped.append(name)
    return tuple(dropped)


def _drop_others(conn: psycopg.Connection, function: Function) -> None:
    """Drop functions of the name that cannot be replaced, because names or types of arguments or columns differ."""
    wanted = [("i", *argument) for argument in function.arguments] + [("t", *column) for column in function.columns]
    for signature, modes, names, kinds in conn.execute(_SQL["overloads"], [function.name]).fetchall():
        if list(zip(modes, names, kinds, strict=True)) != wanted:
            _drop_signature(conn, signature)


def _drop(conn: psycopg.Connection, name: str) -> None:
    for signature, *_ in conn.execute(_SQL["overloads"], [name]).fetchall():
        _drop_signature(conn, signature)


def _drop_signature(conn: psycopg.Connection, signature: str) -> None:
    try:
        conn.execute(sql.SQL("drop function {}").format(sql.SQL(signature)))
    except psycopg.errors.DependentObjectsStillExist as error:
        raise RegistryError(
            f"{signature} cannot be replaced by a function of another model: {error.diag.message_detail}",
            "Drop what depends on it and make it again afterwards; revlayer's own views come back with: revlayer build",
        ) from None
