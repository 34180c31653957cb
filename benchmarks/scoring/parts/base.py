"""What a part of the benchmark is given, and what it gives."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

import psycopg
from psycopg import sql
from pydantic import SecretStr

from benchmarks.scoring.data import COMMA, FEATURES, PREDICTIONS
from benchmarks.scoring.models import Model
from revlayer.config import Settings
from revlayer.database import connect

Server = Literal["main", "plpython"]
Group = Literal["product", "database", "alternative", "floor", "latency"]

TABLE = sql.Identifier("features", "ftr_deals")
COLUMNS = ("deal_id", *FEATURES)
QUERY = sql.SQL("select {} from {}").format(COMMA.join(map(sql.Identifier, COLUMNS)), TABLE)
COLUMN_LIST = COMMA.join(map(sql.Identifier, COLUMNS))


class Unavailable(Exception):  # noqa: N818
    """Why a part cannot run here."""


@dataclass
class Context:
    """One measurement.

    Attributes:
        url: connection string of the server's administrator.
        rows: of features.ftr_deals.
        stack: closed when the measurement is over.
        notes: facts worth telling beside the figures.
    """

    url: str
    model: Model
    rows: int
    stack: ExitStack = field(default_factory=ExitStack)
    notes: list[str] = field(default_factory=list)

    def connect(self, role: str | None = None, *, autocommit: bool = False) -> psycopg.Connection:
        """Open a connection that lives as long as the measurement."""
        made = connect(Settings(database_url=SecretStr(self.url)), role, autocommit=autocommit)
        return self.stack.enter_context(made)

    def query_text(self) -> str:
        """Return the query of all rows as text, for libraries that take text."""
        return QUERY.as_string(None)


# Timed; what it returns are figures of its own.
Run = Callable[[], Mapping[str, float] | None]


@dataclass(frozen=True)
class Part:
    """One way to score the table, or one stage of it.

    Attributes:
        prepare: does what is not timed (imports, connections, functions) and returns what is.
        predictions: the table that the run leaves, checked afterwards; None where it leaves none.
        creates_table: the timed statement makes bench.predictions itself.
    """

    name: str
    title: str
    group: Group
    prepare: Callable[[Context], Run]
    server: Server = "main"
    predictions: sql.Composable | None = field(default_factory=lambda: PREDICTIONS)
    creates_table: bool = False


def require(package: str) -> Any:
    """Import a package that the group bench brings.

    Raises:
        Unavailable: it is not installed.
    """
    from importlib import import_module

    try:
        return import_module(package)
    except ImportError as error:
        raise Unavailable(f"{error}; install the group bench: uv sync --all-extras --group bench") from None
