"""Creates the prediction functions of a model in PL/Python.

Each is a plain SQL function that callers use, over one in PL/Python (see installation.sql). The latter runs with the
rights of the role that writes predictions (``security definer``): whoever may call it gets a score and cannot read
scoring.models. That is safe because only a superuser can change a body in an untrusted language, the body takes no SQL
from its arguments, and search_path is set.
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from revlayer_udf import queries
from revlayer_udf.errors import PlpythonError, RegistryError
from revlayer_udf.manifest import Manifest
from revlayer_udf.plpython.server import administrator
from revlayer_udf.reasons import explain_graph
from revlayer_udf.signatures import Column, Function, Signatures

_SQL = queries.load("revlayer_udf", "plpython/installation.sql")
PREFIX = "plpython_"
BODY = "\nfrom revlayer_udf import plpython\n\nreturn plpython.{call}(GD, plpy, {version!r}{arguments})\n"
COMMA = sql.SQL(", ")


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
        FeatureError: see ``signatures.Signatures``.
    """
    label = name or manifest.target
    with conn.transaction():
        conn.execute(_SQL["lock"], [label])
        artefact = _artefact(conn, manifest)
        found = Signatures.of(artefact, manifest, name)
        with administrator(conn) as before:
            maker = _Maker(conn, manifest.model_version, _owner(conn) if before.is_superuser else before.role_name)
            made = [maker.row(found.row, "predict"), maker.rows(found.rows, "predict_rows"), maker.warm(label)]
            if found.explain is not None and explain_graph(artefact, manifest) is not None:
                made.append(maker.row(found.explain, "explain"))
            else:
                _drop(conn, f"explain_{label}")
                _drop(conn, f"{PREFIX}explain_{label}")
    return tuple(made)


def uninstall(conn: psycopg.Connection, target: str) -> tuple[str, ...]:
    """Drop the functions of a target that work by PL/Python, and return their names.

    Where another engine's function has taken a name, that stays.
    """
    dropped: list[str] = []
    with conn.transaction():
        for name in (f"predict_{target}", f"predict_{target}_rows", f"explain_{target}", f"warm_{target}"):
            row = conn.execute(_SQL["calls"], {"name": name, "inner": f'scoring."{PREFIX}{name}"'}).fetchone()
            if row is not None:
                dropped += _drop(conn, name)
            _drop(conn, PREFIX + name)
    return tuple(dropped)


@dataclass(frozen=True)
class _Maker:
    """Creates functions that serve one model.

    Attributes:
        owner: role that they run as.
    """

    conn: psycopg.Connection
    model_version: str
    owner: str

    def row(self, function: Function, call: str) -> str:
        """Create a function of one row."""
        inner = self._inner(function.name, function.arguments, function.columns, call)
        return self._outer(function, "create_row", sql.SQL(_SQL["row_body"]).format(**_selection(function, inner)))

    def rows(self, function: Function, call: str) -> str:
        """Create a function of arrays; its first column numbers the rows."""
        columns = function.columns[1:]
        arrays = tuple(Column(column.name, f"{column.type}[]") for column in columns)
        inner = self._inner(function.name, function.arguments, arrays, call)
        parts = _selection(Function(function.name, function.arguments, columns), inner)
        names = [sql.Identifier(column.name) for column in columns]
        parts["numbered"] = COMMA.join(sql.SQL("numbered.{}").format(name) for name in names)
        parts["scored"] = COMMA.join(sql.SQL("pg_catalog.unnest(scored.{})").format(name) for name in names)
        return self._outer(function, "create_rows", sql.SQL(_SQL["rows_body"]).format(**parts))

    def warm(self, label: str) -> str:
        """Create the function that loads the model."""
        return self.row(Function(f"warm_{label}", (), (Column("model_version", "text"),)), "warm")

    def _inner(
        self, name: str, arguments: tuple[Column, ...], columns: tuple[Column, ...], call: str
    ) -> sql.Identifier:
        """Create the one in PL/Python: arguments without names."""
        inner = sql.Identifier(PREFIX + name)
        unnamed = tuple(Column("", column.type) for column in arguments)
        _drop(self.conn, PREFIX + name, unless=_shape(unnamed, columns, "o"))
        parameters: list[sql.Composable] = [sql.SQL(column.type) for column in arguments]
        parameters += [sql.SQL("out {}").format(_declared(column)) for column in columns]
        text = BODY.format(call=call, version=self.model_version, arguments=", args" if arguments else "")
        statement = sql.SQL(_SQL["create_inner"])
        self.conn.execute(statement.format(inner=inner, parameters=COMMA.join(parameters), body=sql.Literal(text)))
        self._hand_over(inner, arguments)
        return inner

    def _outer(self, function: Function, statement: str, body: sql.Composed) -> str:
        """Create the one that callers use. What is left out is unknown, an array for all rows, as in compiled SQL."""
        _drop(self.conn, function.name, unless=_shape(function.arguments, function.columns, "t"))
        parts = {
            "name": sql.Identifier(function.name),
            "arguments": COMMA.join(
                sql.SQL("{} default null").format(_declared(column)) for column in function.arguments
            ),
            "columns": COMMA.join(_declared(column) for column in function.columns),
            "body": sql.Literal(body.as_string(self.conn)),
        }
        self.conn.execute(sql.SQL(_SQL[statement]).format(**parts))
        self._hand_over(parts["name"], function.arguments)
        return function.name

    def _hand_over(self, name: sql.Composable, arguments: tuple[Column, ...]) -> None:
        """Give a function to its owner, and let those call it who may call what the owner creates here."""
        types = COMMA.join(sql.SQL(column.type) for column in arguments)
        function = sql.SQL("function scoring.{}({})").format(name, types)
        comment = sql.Literal(f"plpython: {self.model_version}")
        self.conn.execute(sql.SQL("comment on {} is {}").format(function, comment))
        self.conn.execute(sql.SQL("revoke all on {} from public").format(function))
        for (caller,) in self.conn.execute(_SQL["callers"], [self.owner]).fetchall():
            self.conn.execute(sql.SQL("grant execute on {} to {}").format(function, sql.Identifier(caller)))
        self.conn.execute(sql.SQL("alter {} owner to {}").format(function, sql.Identifier(self.owner)))


def _selection(function: Function, inner: sql.Identifier) -> dict[str, sql.Composable]:
    """Parts of a body that passes all arguments on, by place, and names what comes back."""
    places = [sql.SQL(f"${place}") for place in range(1, len(function.arguments) + 1)]
    names = [sql.Identifier(column.name) for column in function.columns]
    return {"inner": inner, "values": COMMA.join(places), "names": COMMA.join(names)}


def _declared(column: Column) -> sql.Composed:
    return sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type))


Shape = tuple[list[str], list[str], list[str]]


def _shape(arguments: tuple[Column, ...], columns: tuple[Column, ...], mode: str) -> Shape:
    """Names, types and modes as pg_proc has them."""
    both = [*arguments, *columns]
    modes = ["i"] * len(arguments) + [mode] * len(columns)
    return [column.name for column in both], [column.type for column in both], modes


def _drop(conn: psycopg.Connection, name: str, *, unless: Shape | None = None) -> list[str]:
    """Drop every function of a name but those that can be replaced in place, so that views over them live on."""
    dropped = []
    for signature, *shape in conn.execute(_SQL["overloads"], [name]).fetchall():
        if unless is not None and tuple(shape) == unless:
            continue
        try:
            with conn.transaction():
                conn.execute(sql.SQL("drop function {}").format(sql.SQL(signature)))
        except psycopg.errors.DependentObjectsStillExist as error:
            raise PlpythonError(
                f"views depend on scoring.{name}, and its arguments or columns change: {error.diag.message_detail}",
                "Drop these views, install again, and build them: revlayer build marts",
            ) from None
        dropped.append(name)
    return dropped


def _artefact(conn: psycopg.Connection, manifest: Manifest) -> bytes:
    row = conn.execute(_SQL["artefact"], [manifest.model_version]).fetchone()
    if row is None:
        raise RegistryError(f"there is no model {manifest.model_version}", "List them: revlayer models list")
    return bytes(row[0])


def _owner(conn: psycopg.Connection) -> str:
    row = conn.execute(_SQL["owner"]).fetchone()
    assert row is not None  # the cast to regclass raises where there is no such table
    return str(row[0])
