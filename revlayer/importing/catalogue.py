"""What the raw tables are, asked of the database: names in a mapping count only when they stand here."""

from dataclasses import dataclass

import psycopg

from revlayer.importing.problems import ImportProblem
from revlayer_udf import queries

_SQL = queries.load("revlayer", "importing/queries.sql")

# How the importer reads what a column of this PostgreSQL type takes.
_KINDS = {
    "text": "text",
    "numeric": "number",
    "float8": "number",
    "int4": "number",
    "int8": "number",
    "bool": "boolean",
    "date": "date",
    "timestamptz": "timestamp",
}


_BOOKKEEPING = frozenset(
    ("source_name", "source_id", "occurred_at", "recorded_at", "loaded_at", "deleted_at", "observed_at")
)


@dataclass(frozen=True)
class Column:
    """One column of a raw table; ``whole_digits`` bounds numeric columns."""

    name: str
    type_name: str
    is_required: bool
    whole_digits: int | None

    @property
    def kind(self) -> str:
        """text, number, boolean, date or timestamp."""
        return _KINDS.get(self.type_name, "text")


@dataclass(frozen=True)
class RawTable:
    """One raw table with the key (source_name, source_id), and the rules its rows must keep."""

    name: str
    columns: dict[str, Column]
    checks: list[str]

    @property
    def entity(self) -> str:
        """Singular, as ``raw.entity_attributes`` names it: deals → deal, deliveries → delivery."""
        return self.name[:-3] + "y" if self.name.endswith("ies") else self.name.removesuffix("s")

    @property
    def is_history(self) -> bool:
        """Whether rows are only ever added."""
        return "field_name" in self.columns and "new_value" in self.columns

    def column(self, name: str, where: str) -> Column:
        """Return a column, or say which there are."""
        if name not in self.columns:
            raise ImportProblem(
                f"{where}: raw.{self.name} has no column {name!r}",
                f"It has: {', '.join(self.columns)}. Anything else goes into 'attributes'.",
            )
        return self.columns[name]


class Catalogue:
    """The raw tables that can be imported into."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self.tables: dict[str, RawTable] = {}
        for table, name, type_name, is_required, digits in conn.execute(_SQL["raw_columns"]).fetchall():
            made = self.tables.setdefault(table, RawTable(table, {}, []))
            made.columns[name] = Column(name, type_name, is_required, digits)
        for table, expression in conn.execute(_SQL["raw_checks"], [list(self.tables)]).fetchall():
            self.tables[table].checks.append(expression)

    def table(self, name: str, where: str) -> RawTable:
        """Return a table, or say which there are."""
        if name not in self.tables:
            raise ImportProblem(
                f"{where}: there is no raw table {name!r} to import into",
                f"There are: {', '.join(sorted(self.tables))}.",
            )
        return self.tables[name]

    def history_of(self, table: RawTable, where: str) -> RawTable:
        """Return the table of changes of an entity."""
        return self.table(f"{table.entity}_changes", where)

    def changed_column(self, table: RawTable, field: str, where: str) -> Column:
        """Return the column that a tracked field stands for: stage → stage_source_id, amount → amount."""
        if field == "is_deleted":
            return Column(field, "bool", False, None)
        if field in _BOOKKEEPING:
            raise ImportProblem(f"{where}: {field} is no field that changes", "Name one such as stage or amount.")
        name = f"{field}_source_id" if f"{field}_source_id" in table.columns else field
        return table.column(name, where)
