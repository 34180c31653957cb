"""One target inside the database: staged, checked as a set, merged into raw. Nothing is committed here."""

from collections.abc import Iterable

import psycopg
import pyarrow as pa
from psycopg import sql

from revlayer.importing.plan import Plan
from revlayer.importing.rejects import Reject, Rejects
from revlayer_udf import queries
from revlayer_udf.frames import copy_in

_SQL = queries.load("revlayer", "importing/queries.sql")
_NOTHING = sql.SQL(_SQL["nothing"])


class Staging:
    """The temporary table of one target; it lives until the transaction ends."""

    def __init__(self, conn: psycopg.Connection, plan: Plan, source_name: str) -> None:
        self.conn = conn
        self.plan = plan
        self.table = sql.Identifier(f"import_{plan.number}")
        self.names = {
            "staging": self.table,
            "table": sql.Identifier("raw", plan.table.name),
            "source_name": sql.Literal(source_name),
        }
        extra = [sql.SQL("null::text as {}").format(sql.Identifier(c)) for c, _ in plan.attributes.values()]
        for column, reader in plan.features.values():
            kind = "null::float8 as {}" if reader.kind == "number" else "null::text as {}"
            extra.append(sql.SQL(kind).format(sql.Identifier(column)))
        for planned in plan.changes:
            extra.append(sql.SQL("null::text as {}").format(sql.Identifier(planned.value_column)))
            extra.append(sql.SQL("null::timestamptz as {}").format(sql.Identifier(planned.at_column)))
        self.run("create_staging", extra=sql.SQL("").join(sql.SQL(", ") + part for part in extra))

    def run(self, name: str, **parts: sql.Composable) -> psycopg.Cursor:
        """Execute a named statement with identifiers and literals filled in."""
        return self.conn.execute(self._statement(name, parts))

    def fill(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Copy the batches in."""
        copy_in(self.conn, self.table, batches)
        if self.plan.target.key.content:
            self.run("number_contents")
        self.run("analyze_staging")

    def check(self, earlier: Iterable["Staging"], rejects: Rejects) -> None:
        """Move every row that breaks a rule of the table, or repeats a key, to the rejects."""
        self._check_rules(rejects)
        self._check_references(rejects)
        if self.plan.table.name == "deal_changes":
            self._reject("reject_unknown_stages", rejects)
        if self.plan.target.repeats == "same":
            columns = [name for name in self.plan.staged_columns if name not in self.plan.target.may_differ]
            self.run("merge_repeated", first_columns=_columns(columns, "first"), columns=_columns(columns, "candidate"))
        self._reject("reject_repeated", rejects)
        for other in earlier:
            if other.plan.table.name == self.plan.table.name:
                file = sql.Literal(other.plan.file_name)
                self._reject("reject_taken", rejects, earlier=other.table, earlier_file=file)
        if self.plan.table.is_history:
            columns = list(self.plan.readers)
            self._reject(
                "reject_rewritten",
                rejects,
                stored_columns=_columns(columns, "stored"),
                candidate_columns=_columns(columns, "candidate"),
            )

    def _check_rules(self, rejects: Rejects) -> None:
        rules = [
            (sql.SQL("{} is null").format(sql.Identifier(column.name)), f"{column.name} is empty but required")
            for column in self.plan.table.columns.values()
            if column.is_required and column.name in self.plan.readers
        ]
        # The expressions are the table's own check constraints, read from the catalogue.
        rules += [
            (sql.SQL("not ({})").format(sql.SQL(text)), f"breaks the rule {text}") for text in self.plan.table.checks
        ]
        if not rules:
            return
        broken = sql.SQL(" or ").join(sql.SQL("coalesce({}, false)").format(rule) for rule, _ in rules)
        cases = sql.SQL(" ").join(
            sql.SQL("when {} then {}").format(rule, sql.Literal(reason)) for rule, reason in rules
        )
        self._reject("reject_rule_breakers", rejects, broken=broken, reason=sql.SQL("case {} end").format(cases))

    def _check_references(self, rejects: Rejects) -> None:
        """Reject rows whose parent is missing; a rejected row may itself be a parent, so look again."""
        for column, parent in self.plan.references.items():
            own = parent == self.plan.table.name
            while self._reject(
                "reject_dangling",
                rejects,
                column=sql.Identifier("candidate", column),
                parent=sql.Identifier("raw", parent),
                siblings=self.table if own else _NOTHING,
                reason=sql.Literal(f"{self._label(column)}: no row in {parent} has the key "),
            ):
                if not own:
                    break

    def _label(self, column: str) -> str:
        readers = {p.value_column: p.value for p in self.plan.changes} | self.plan.readers
        return readers[column].label

    def _reject(self, name: str, rejects: Rejects, **parts: sql.Composable) -> int:
        plan, count = self.plan, 0
        with self.conn.cursor() as cursor:
            # Row by row: a file may be wrong from its first line to its last.
            for line_number, reason, text in cursor.stream(self._statement(name, parts)):
                rejects.add(plan.number, Reject(plan.table.name, plan.file_name, line_number, reason, text))
                count += 1
        return count

    def _statement(self, name: str, parts: dict[str, sql.Composable]) -> sql.Composed:
        return sql.SQL(_SQL[name]).format(**self.names, **parts)


def _columns(names: Iterable[str], relation: str | None = None) -> sql.Composed:
    """List columns, of one relation where it is named; a row of its own even for a single column."""
    listed = [sql.Identifier(relation, name) if relation else sql.Identifier(name) for name in names]
    return sql.SQL(", ").join(listed) if listed else sql.SQL("null::text").format()
