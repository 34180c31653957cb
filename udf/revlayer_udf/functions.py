"""Which engine stands behind ``scoring.predict_<target>``: installing, renewing after a promotion, removing.

The functions hold one model. A promotion does not change them; ``refresh`` does, and says what it could not renew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

import psycopg
from psycopg.rows import class_row

from revlayer_udf import certificate, compiler, plpython, queries, registry
from revlayer_udf.compiler.forests import storage
from revlayer_udf.errors import RegistryError, RevlayerError
from revlayer_udf.manifest import Manifest
from revlayer_udf.registry import Model

_SQL = queries.load("revlayer_udf", "queries/functions.sql")

Engine = Literal["sql", "plpython"]
_Result = TypeVar("_Result")
# Drops views of revlayer's own that hold on to functions of a target; says whether there were any.
MakeWay = Callable[[psycopg.Connection, str], bool]
NAMES: dict[Engine, str] = {"sql": "compiled SQL", "plpython": "PL/Python"}


@dataclass(frozen=True)
class Installed:
    """The functions of one target.

    Attributes:
        model_version: what they score with.
        champion_version: what serves the target now; None where nothing does.
    """

    target: str
    model_version: str
    engine: Engine
    champion_version: str | None
    installed_at: datetime

    @property
    def is_stale(self) -> bool:
        """Another model serves now than the one behind the functions."""
        return self.champion_version not in (None, self.model_version)


def installed(conn: psycopg.Connection) -> list[Installed]:
    """Return what is installed, by target."""
    with conn.transaction(), conn.cursor(row_factory=class_row(Installed)) as cursor:
        return cursor.execute(_SQL["installed"]).fetchall()


def install(conn: psycopg.Connection, target: str, engine: Engine, make_way: MakeWay | None = None) -> str:
    """Create the functions of the model that serves a target, replacing those of an older one or another engine.

    Args:
        make_way: called, in the same transaction, where the functions cannot be replaced as they are.

    Returns:
        The version behind them.

    Raises:
        NoChampion: no model serves the target.
        RegistryError: the engine does not score the model as ONNX Runtime does.
        RevlayerError: the engine cannot hold the model, or the server does not have it; nothing was changed.
    """
    with conn.transaction():
        model = registry.require_champion(conn, target)
        version = model.manifest.model_version
        _require_equal(conn, model.manifest, engine)
        _making_way(conn, target, lambda: _create(conn, model, engine), make_way)
        conn.execute(_SQL["record"], {"target": target, "model_version": version, "engine": engine})
    return version


def uninstall(conn: psycopg.Connection, target: str, make_way: MakeWay | None = None) -> tuple[str, ...]:
    """Drop the functions of a target, whichever engine made them, and return their names; none where none were.

    Args:
        make_way: see ``install``.
    """

    def drop() -> tuple[str, ...]:
        return (*plpython.uninstall(conn, target), *compiler.uninstall(conn, target))

    with conn.transaction():
        dropped = _making_way(conn, target, drop, make_way)
        conn.execute(_SQL["forget"], [target])
    return dropped


def refresh(conn: psycopg.Connection, make_way: MakeWay | None = None) -> list[str]:
    """Install anew, by the same engine, where another model serves than the one behind the functions.

    Args:
        make_way: see ``install``.

    Returns:
        A sentence for each target that was renewed, or that could not be, with the reason.
    """
    sentences = []
    for found in installed(conn):
        if not found.is_stale:
            continue
        name = f"scoring.predict_{found.target}"
        try:
            version = install(conn, found.target, found.engine, make_way)
            sentences.append(f"{name} holds {version} now ({NAMES[found.engine]})")
        except RevlayerError as error:
            sentences.append(f"{name} still holds {found.model_version}: {error.message}. {error.hint or ''}".rstrip())
    return sentences


def _making_way(
    conn: psycopg.Connection, target: str, change: Callable[[], _Result], make_way: MakeWay | None
) -> _Result:
    """Change functions; where that fails while views of ours hold on to them, once more without these views.

    A view stays where its function can be replaced in place, as it can when the features are the same.
    """
    try:
        with conn.transaction():
            return change()
    except RevlayerError:
        if make_way is None or not make_way(conn, target):
            raise
    return change()


def _require_equal(conn: psycopg.Connection, manifest: Manifest, engine: Engine) -> None:
    version = manifest.model_version
    known = certificate.read(conn, version)
    if known is None or known.engine_status(engine)[0] != "equal":
        # The server may have changed since: PL/Python added, PostgreSQL upgraded.
        known = certificate.certify(conn, version)
    status, note = known.engine_status(engine)
    if status == "equal":
        return
    what = "differs from ONNX Runtime on" if status == "different" else "cannot score"
    hint = f"See all pairs: revlayer models show {version}. The job (revlayer score) needs neither."
    if engine == "plpython":
        hint = f"Compiled SQL needs no extension: revlayer models install {manifest.target} --engine sql\n{hint}"
    raise RegistryError(
        f"{NAMES[engine]} {what} {version}: {(note or '').removeprefix(engine + ': ')}",
        hint,
    )


def _create(conn: psycopg.Connection, model: Model, engine: Engine) -> None:
    if engine == "plpython":
        plpython.install(conn, model.manifest)
        for name in (f"predict_{model.manifest.target}", f"explain_{model.manifest.target}"):
            storage.remove(conn, name)  # the trees that compiled SQL read
        return
    compiler.install(conn, compiler.compile_model(model.artefact, model.manifest))
    plpython.uninstall(conn, model.manifest.target)  # what compiled SQL has no counterpart of
