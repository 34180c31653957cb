"""A ledger entry is whole and takes no more figures; who entered a row and when is the database's to say."""

import pytest
from psycopg import errors, sql

from revlayer.database import deploy

INSERTS = {
    "forecast_submissions": "insert into planning.forecast_submissions (category, period_start_on, amount,"
    " currency_code) values ('commit', '2025-01-01', 1, 'USD')",
    "targets": "insert into planning.targets (segment_id, month_start_on, target_amount, currency_code)"
    " values ('A', '2025-01-01', 1, 'USD')",
    "imports": "insert into planning.imports (table_name, file_name, file_sha256, read_count, accepted_count,"
    " repeated_count, rejected_count) values ('targets', 'a.csv', '', 1, 0, 0, 1)",
    "forecast_ledger": "insert into planning.forecast_ledger (run_id, as_of_date, horizon_months, fiscal_start_month,"
    " draw_count, seed, past_as_of_dates, open_deal_count, open_amount, closed_deal_count, won_amount, figure_count,"
    " figures_sha256, software, code_sha256)"
    " values (1, '2025-01-31', 12, 1, 1, 0, '{}', 0, 0, 0, 0, 0, '', '', '')",
}
LEDGER = INSERTS["forecast_ledger"].replace("(1, ", "(%s, ").replace("0, '', ''", "%s, '', ''") + " returning ledger_id"
FIGURES = (
    "insert into planning.forecast_ledger_figures select %s, '2025-01-01'::date + n, 'A', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,"
    " 0 from generate_series(1, %s) as n"
)


def publish(conn, run_id, counted, written):
    with conn.transaction():
        row = conn.execute(LEDGER, [run_id, counted]).fetchone()
        conn.execute(FIGURES, [row[0], written])
    return row[0]


@pytest.fixture
def scorer(database):
    with database.connect("scorer", autocommit=True) as conn:
        yield conn


@pytest.mark.parametrize("role", ["scorer", "owner"])
def test_a_published_forecast_takes_no_more_figures(database, role):
    forged = FIGURES.replace("'A'", "'Forged'").replace("series(1, %s)", "series(1, 1)")
    with database.connect(role, autocommit=True) as conn:
        number = publish(conn, 1, 3, 3)
        with pytest.raises(errors.RaiseException, match=f"forecast {number} has all its figures already"):
            conn.execute(forged, [number])
        with pytest.raises(errors.RaiseException, match="all its figures"), conn.transaction():
            conn.execute(LEDGER, [2, 0])
            conn.execute(forged, [number])
        assert conn.execute("select count(*) from planning.forecast_ledger_figures").fetchone() == (3,)


def test_pretending_to_replicate_does_not_help(database):
    with database.connect(autocommit=True) as conn:
        number = publish(conn, 1, 1, 1)
        conn.execute("set session_replication_role = replica")
        with pytest.raises(errors.RaiseException, match="all its figures"):
            conn.execute(FIGURES.replace("'A'", "'B'"), [number, 1])


def test_a_forecast_is_written_whole(scorer):
    for counted, written in ((3, 2), (1, 0), (0, 1)):
        with pytest.raises(errors.RaiseException, match="figures"):
            publish(scorer, 1, counted, written)
    assert scorer.execute("select count(*) from planning.forecast_ledger").fetchone() == (0,)


def test_figures_may_come_in_several_statements_and_below_savepoints(scorer):
    with scorer.transaction():
        with scorer.transaction():
            (number,) = scorer.execute(LEDGER, [1, 3]).fetchone()
        with scorer.transaction():
            scorer.execute(FIGURES, [number, 2])
        with pytest.raises(ZeroDivisionError), scorer.transaction():
            scorer.execute(FIGURES.replace("'A'", "'B'"), [number, 1])
            raise ZeroDivisionError
        scorer.execute(FIGURES.replace("'A'", "'C'"), [number, 1])
    assert scorer.execute("select count(*) from planning.forecast_ledger_figures").fetchone() == (3,)


FORGED = {
    "forecast_ledger": ("scorer", {"ledger_id": "7", "published_by": "'cfo'", "published_at": "'2199-01-01'"}),
    "forecast_submissions": ("planner", {"submission_id": "7", "entered_by": "'cfo'", "entered_at": "'2199-01-01'"}),
    "targets": ("planner", {"target_id": "7", "entered_by": "'cfo'", "entered_at": "'2199-01-01'"}),
    "imports": ("planner", {"import_id": "7", "imported_by": "'cfo'", "imported_at": "'2199-01-01'"}),
}


@pytest.mark.parametrize(("table", "column"), [(table, name) for table, (_, names) in FORGED.items() for name in names])
def test_who_when_and_number_cannot_be_given(database, table, column):
    role, values = FORGED[table]
    insert = INSERTS[table].replace(") values (", f", {column}) overriding system value values (")
    insert = f"{insert[:-1]}, {values[column]})"
    with database.connect(role) as conn, pytest.raises(errors.InsufficientPrivilege):
        conn.execute(insert)


def test_the_database_says_who_and_when(database):
    columns = {"forecast_submissions": "entered", "targets": "entered", "imports": "imported"}
    with database.connect("planner") as conn:
        for table, verb in columns.items():
            conn.execute(INSERTS[table])
            query = sql.SQL("select {0} = session_user, {1} - clock_timestamp() between '-1 hour' and '0' from {2}")
            names = (sql.Identifier(f"{verb}_by"), sql.Identifier(f"{verb}_at"), sql.Identifier("planning", table))
            assert conn.execute(query.format(*names)).fetchone() == (True, True)


@pytest.mark.parametrize(
    "counts", ["0, -5, 5, 0", "0, -1, 0, 1", "0, 5, -5, 0", "0, 5, 0, -5", "-1, -1, 0, 0"],
)  # fmt: skip
def test_counts_are_not_below_zero(database, counts):
    insert = INSERTS["imports"].replace("1, 0, 0, 1", counts)
    with database.connect("planner") as conn, pytest.raises(errors.CheckViolation, match="below_zero"):
        conn.execute(insert)


@pytest.mark.parametrize(
    ("column", "value"),
    [("stated_at", "2999-01-01"), ("stated_at", "-infinity"), ("stated_at", None), ("author", " "), ("author", None),
     ("month_start_on", "2025-01-02"), ("month_start_on", "infinity"), ("target_amount", -1), ("target_amount", "NaN")],
)  # fmt: skip
def test_a_target_that_makes_no_sense_is_refused(database, column, value):
    row = {"segment_id": "A", "month_start_on": "2025-01-01", "target_amount": 1, "currency_code": "USD", column: value}
    statement = sql.SQL("insert into planning.targets ({}) values ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(sql.Placeholder() * len(row))
    )
    with database.connect("planner") as conn, pytest.raises(errors.CheckViolation):
        conn.execute(statement, list(row.values()))


BEFORE = """
drop trigger no_more_than_published on planning.forecast_ledger_figures;
drop trigger whole_when_published on planning.forecast_ledger;
drop function planning.check_figures, planning.check_whole;
alter table planning.imports drop constraint counts_are_not_below_zero;
alter table planning.forecast_ledger drop constraint counts_are_not_below_zero;
alter table planning.targets drop column author, drop column stated_at, drop constraint month_starts_on_the_first,
    drop constraint amount_is_not_below_zero;
delete from audit.schema_migrations where name like '0028%';
insert into planning.targets (segment_id, month_start_on, target_amount, currency_code, entered_by, entered_at)
values ('A', '2025-01-01', 100, 'USD', 'ann', '2024-12-01'), ('A', '2025-01-01', 120, 'USD', 'ann', '2024-12-05');
"""


def test_targets_of_before_have_no_time_and_stay(database):
    with database.connect() as conn:
        conn.execute(BEFORE)
    deploy(database.settings)
    with database.connect("planner") as conn:
        rows = conn.execute(
            "select target_amount, author, stated_at, entered_by from planning.targets order by target_id"
        )
        assert rows.fetchall() == [(100, None, None, "ann"), (120, None, None, "ann")]


def test_one_target_at_a_time(database):
    insert = INSERTS["targets"].replace(") values (", ", stated_at) values (").replace("USD')", "USD', '2025-01-01')")
    with database.connect("planner") as conn:
        conn.execute(insert)
        with pytest.raises(errors.UniqueViolation):
            conn.execute(insert)
