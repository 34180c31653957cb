"""Creates the prediction functions of a model in PL/Python.

They run with the rights of the role that writes predictions (``security definer``): whoever may call them gets a score
and cannot read scoring.models. That is safe because only a superuser can change a body in an untrusted language, the
body takes no SQL from its arguments, and search_path is set.
"""

import psycopg
from psycopg import sql

from revlayer_udf import queries
from revlayer_udf.errors import FeatureError, PlpythonError, RegistryError
from revlayer_udf.manifest import Manifest
from revlayer_udf.plpython.server import administrator
from revlayer_udf.reasons import explain_graph
from revlayer_udf.signatures import Column, Function, Signatures

_SQL = queries.load("revlayer_udf", "plpython/installation.sql")
LANGUAGE = "plpython3u"
# PL/Python makes a variable of every argument; one of these names would hide what a body works with.
RESERVED = frozenset({"GD", "SD", "TD", "args", "plpy"})
BODY = "\nfrom revlayer_udf import plpython\n\nreturn plpython.{call}(GD, plpy, {version!r}{arguments})\n"


def install(conn: psycopg.Connection, manifest: Manifest, *, name: str | None = None) -> tuple[str, ...]:
    """Create ``predict_<target>``, ``predict_<target>_rows``, ``warm_<target>`` and, where the raw score can be split
    by feature, ``explain_<target>`` in the schema scoring, all or none; older functions of these names give way.

    Every backend loads the model on its first call; those at work go over to the new one by themselves.

    Args:
        conn: of a superuser, whatever role it is set to; or of a role that may use the language.
        manifest: of a registered model.
        name: stands for the target in the functions' names.

    Returns:
        Names of the functions.

    Raises:
        PlpythonError: see ``server.administrator``; or views depend on an older function with other columns.
        RegistryError: the model is not registered.
        FeatureError: see ``signatures.Signatures``; or a feature has a name that PL/Python needs.
    """
    _refuse_reserved(manifest)
    with conn.transaction():
        label = name or manifest.target
        conn.execute(_SQL["lock"], [label])
        artefact = _artefact(conn, manifest)
        found = Signatures.of(artefact, manifest, name)
        with administrator(conn) as before:
            role = before.role_name if not before.is_superuser else _one(conn, "owner")
            made = [
                _create(conn, found.row, "create_row", "predict", manifest, role),
                _create(conn, found.rows, "create_rows", "predict_rows", manifest, role),
                _create(conn, Function(f"warm_{label}", (), ()), "create_warm", "warm", manifest, role),
            ]
            if found.explain and explain_graph(artefact, manifest) is not None:
                made.append(_create(conn, found.explain, "create_row", "explain", manifest, role))
            else:
                _drop(conn, f"explain_{label}")
    return tuple(made)


def uninstall(conn: psycopg.Connection, target: str) -> tuple[str, ...]:
    """Drop the functions of a target that are in PL/Python, and return their names."""
    dropped: list[str] = []
    with conn.transaction():
        for name in (f"predict_{target}", f"predict_{target}_rows", f"explain_{target}", f"warm_{target}"):
            dropped += _drop(conn, name, language=LANGUAGE)
    return tuple(dropped)


def _create(
    conn: psycopg.Connection, function: Function, statement: str, call: str, manifest: Manifest, owner: str
) -> str:
    _drop(conn, function.name, unless=function)
    arguments = ", args" if function.arguments else ""
    body = BODY.format(call=call, version=manifest.model_version, arguments=arguments)
    name = sql.Identifier(function.name)
    parts = {
        "name": name,
        "arguments": sql.SQL(", ").join(_declared(column, default=True) for column in function.arguments),
        "columns": sql.SQL(", ").join(_declared(column) for column in function.columns),
        "body": sql.Literal(body),
    }
    conn.execute(sql.SQL(_SQL[statement]).format(**parts))
    types = sql.SQL(", ").join(sql.SQL(column.type) for column in function.arguments)
    signature = sql.SQL("function scoring.{}({})").format(name, types)
    comment = f"{manifest.model_version} in PL/Python."
    conn.execute(sql.SQL("comment on {} is {}").format(signature, sql.Literal(comment)))
    conn.execute(sql.SQL("revoke all on {} from public").format(signature))
    for (caller,) in conn.execute(_SQL["callers"], [owner]).fetchall():
        conn.execute(sql.SQL("grant execute on {} to {}").format(signature, sql.Identifier(caller)))
    conn.execute(sql.SQL("alter {} owner to {}").format(signature, sql.Identifier(owner)))
    return function.name


def _declared(column: Column, *, default: bool = False) -> sql.Composed:
    text = sql.SQL("{} {} default null") if default else sql.SQL("{} {}")
    return text.format(sql.Identifier(column.name), sql.SQL(column.type))


def _drop(
    conn: psycopg.Connection, name: str, *, unless: Function | None = None, language: str | None = None
) -> list[str]:
    """Drop every function of a name, or all but one that can be replaced where it stands.

    Args:
        unless: what is going to replace it; views over a function of the same arguments and columns then live on.
        language: only those in this language.
    """
    dropped = []
    for signature, its_language, names, types, modes, returns_set in conn.execute(_SQL["overloads"], [name]).fetchall():
        if (names, types, modes, returns_set) == _shape(unless) or language not in (None, its_language):
            continue
        try:
            conn.execute(sql.SQL("drop function {}").format(sql.SQL(signature)))
        except psycopg.errors.DependentObjectsStillExist as error:
            raise PlpythonError(
                f"scoring.{name} gets other arguments or columns, and views depend on it: {error.diag.message_detail}",
                "Drop these views, install again, and build them: revlayer build marts",
            ) from None
        dropped.append(name)
    return dropped


def _shape(function: Function | None) -> tuple[list[str], list[str], list[str], bool] | None:
    if function is None or not function.columns:
        return None
    columns = [*function.arguments, *function.columns]
    modes = ["i"] * len(function.arguments) + ["t"] * len(function.columns)
    return [column.name for column in columns], [column.type for column in columns], modes, True


def _artefact(conn: psycopg.Connection, manifest: Manifest) -> bytes:
    row = conn.execute(_SQL["artefact"], [manifest.model_version]).fetchone()
    if row is None:
        raise RegistryError(f"there is no model {manifest.model_version}", "List them: revlayer models list")
    return bytes(row[0])


def _one(conn: psycopg.Connection, statement: str) -> str:
    row = conn.execute(_SQL[statement]).fetchone()
    if row is None:
        raise RegistryError("this database has no schema scoring of revlayer", "Run: revlayer migrate")
    return str(row[0])


def _refuse_reserved(manifest: Manifest) -> None:
    for feature in manifest.features:
        if feature.name in RESERVED:
            raise FeatureError(
                f"a function in PL/Python cannot have an argument {feature.name}: the language uses that name",
                f"Rename the column of {manifest.feature_relation} and train again, or install compiled SQL.",
            )
