"""Prediction functions in PL/Python: for servers that allow it, with one session per backend.

``predict``, ``predict_rows``, ``explain`` and ``warm`` are what the functions' bodies call, inside the server; the
other three work from outside, over a connection. psycopg brings a libpq of its own, which a server process should not
load, so only these import it.
"""

from typing import TYPE_CHECKING

from revlayer_udf.plpython.calls import explain, predict, predict_rows, warm

if TYPE_CHECKING:
    import psycopg

    from revlayer_udf.manifest import Manifest

__all__ = ["explain", "install", "predict", "predict_rows", "unavailable", "uninstall", "warm"]


def unavailable(conn: "psycopg.Connection") -> str | None:
    """Return why functions in PL/Python cannot be installed over this connection; None where they can."""
    from revlayer_udf.plpython import server

    return server.unavailable(conn)


def install(conn: "psycopg.Connection", manifest: "Manifest", *, name: str | None = None) -> tuple[str, ...]:
    """Create the functions of a registered model; see ``installation.install``."""
    from revlayer_udf.plpython import installation

    return installation.install(conn, manifest, name=name)


def uninstall(conn: "psycopg.Connection", target: str) -> tuple[str, ...]:
    """Drop the functions of a target that are in PL/Python; see ``installation.uninstall``."""
    from revlayer_udf.plpython import installation

    return installation.uninstall(conn, target)
