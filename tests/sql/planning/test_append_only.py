"""What was forecast, submitted and aimed at cannot be changed or removed by any role, the owner included."""

import psycopg
import pytest
from psycopg import sql

TABLES = {
    "forecast_ledger": (
        "insert into planning.forecast_ledger (run_id, as_of_date, horizon_months, fiscal_start_month, draw_count,"
        " seed, past_as_of_dates, open_deal_count, open_amount, closed_deal_count, won_amount, figure_count,"
        " figures_sha256, software, code_sha256)"
        " values (1, '2025-01-31', 12, 1, 1, 0, '{}', 0, 0, 0, 0, 1, '', '', '')",
        ("scorer", "owner"),
    ),
    "forecast_ledger_figures": (
        "insert into planning.forecast_ledger_figures select 1, '2025-01-01', 'A', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0",
        ("scorer", "owner"),
    ),
    "forecast_submissions": (
        "insert into planning.forecast_submissions (category, period_start_on, amount, currency_code)"
        " values ('commit', '2025-01-01', 1, 'USD')",
        ("planner", "owner"),
    ),
    "targets": (
        "insert into planning.targets (segment_id, month_start_on, target_amount, currency_code)"
        " values ('A', '2025-01-01', 1, 'USD')",
        ("planner", "owner"),
    ),
    "imports": (
        "insert into planning.imports (table_name, file_name, file_sha256, read_count, accepted_count, repeated_count,"
        " rejected_count) values ('targets', 'a.csv', '', 1, 0, 0, 1)",
        ("planner", "owner"),
    ),
    "rejected_rows": (
        "insert into planning.rejected_rows (import_id, line_number, reason, row_text) values (1, 2, 'bad', 'x')",
        ("planner", "owner"),
    ),
}
COLUMNS = {
    "forecast_ledger": "seed", "forecast_ledger_figures": "mean_amount", "forecast_submissions": "amount",
    "targets": "target_amount", "imports": "read_count", "rejected_rows": "reason",
}  # fmt: skip
ROLES = ("loader", "transformer", "scorer", "planner", "reader", "owner", None)
CHANGES = (
    "update {0} set {1} = {1}",
    "delete from {0}",
    "truncate {0} cascade",
    "merge into {0} as t using (select 1) as s on true when matched then delete",
    "with gone as (delete from {0} returning 1) select count(*) from gone",
)


@pytest.fixture(scope="module")
def filled(make_database):
    database = make_database("append_only")
    with database.connect() as conn:
        for insert, _ in TABLES.values():
            conn.execute(insert)
    return database


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", TABLES)
def test_no_role_changes_or_removes_a_row(filled, role, table):
    name = sql.Identifier("planning", table)
    refused = (psycopg.errors.InsufficientPrivilege, psycopg.errors.RaiseException)
    with filled.connect(role) as conn:
        for change in CHANGES:
            if change.startswith("merge") and conn.info.server_version < 150000:
                continue
            statement = sql.SQL(change).format(name, sql.Identifier(COLUMNS[table]))
            with pytest.raises(refused), conn.transaction():
                conn.execute(statement)
    with filled.connect() as conn:
        assert conn.execute(sql.SQL("select count(*) from {}").format(name)).fetchone() == (1,)


def test_pretending_to_replicate_does_not_help(filled):
    with filled.connect() as conn:
        conn.execute("set session_replication_role = replica")
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            conn.execute("delete from planning.forecast_ledger_figures")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("role", [role for role in ROLES if role])
def test_who_appends(filled, role, table):
    """Publishing appends to the ledger, people to their own figures, and nobody else."""
    insert, writers = TABLES[table]
    with filled.connect(role) as conn:
        expected = psycopg.errors.UniqueViolation if table in ("forecast_ledger", "forecast_ledger_figures",
                                                               "rejected_rows") else None  # fmt: skip
        if role not in writers:
            expected = psycopg.errors.InsufficientPrivilege
        if expected is None:
            conn.execute(insert)
        else:
            with pytest.raises(expected):
                conn.execute(insert)
        conn.rollback()
