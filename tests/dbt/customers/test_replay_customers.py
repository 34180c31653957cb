"""Features of customers, open invoices and monthly series of a past date do not depend on what became known later.

They are built from everything, and from a copy of the raw tables as they were: later rows are gone, columns with a
history show what they showed then, columns without one that count from when they were seen are overwritten. Every
column must be equal, exactly.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from psycopg import sql

from revlayer import dbt
from revlayer.simulator import simulate

END = date(2025, 12, 31)
#: The later one is not listed but the day that the last is compared with, as of today.
DATES = [date(2023, 11, 30), date(2025, 6, 30)]
#: Table, its history and the key that history names it by, and which of its rows count.
HISTORIES = (
    ("customers", "customer_changes", "customer_source_id", "true"),
    ("billing_customers", "billing_customer_changes", "billing_customer_source_id", "true"),
    ("orders", "order_changes", "order_source_id", "true"),
    ("tickets", "ticket_changes", "ticket_source_id", "true"),
    ("subscriptions", "subscription_changes", "subscription_source_id", "c.subscription_item_source_id is null"),
    ("subscription_items", "subscription_changes", "subscription_item_source_id", "true"),
    ("prices", "price_changes", "price_source_id", "true"),
    ("plans", "plan_changes", "plan_source_id", "true"),
    ("invoices", "invoice_changes", "invoice_source_id", "true"),
    ("payments", "payment_changes", "payment_source_id", "true"),
)
#: Tables whose rows are known from their own times; the CRM's are forgotten by ../replay.sql.
ROWS = (
    "customers", "billing_customers", "orders", "order_lines", "sessions", "usage_events", "daily_usage", "tickets",
    "subscriptions", "subscription_items", "prices", "price_tiers", "plans", "invoices", "invoice_lines", "payments",
    "payment_allocations", "credit_notes", "credit_note_lines", "credit_note_allocations", "refunds", "write_offs",
    *(history[1] for history in HISTORIES),
)  # fmt: skip
CUSTOMERS, SERIES = ("+ftr_customers", "+ftr_invoices"), "+ftr_monthly_series"
#: What the simulated company and its mess have nothing of: its invoices are due after equal terms, and on these days
#: each payer owes one, whole. ../receivables/test_invoice_features.py varies all three.
NEVER: dict[str, set[str]] = {
    "features": set(), "invoice_features": {"open_share", "payer_open_count", "payment_terms_days"},
}  # fmt: skip


def _statements(path: Path) -> dict[str, str]:
    parts = path.read_text(encoding="utf-8").split("-- name: ")[1:]
    return {part.split("\n", 1)[0].strip(): part.split("\n", 1)[1].strip() for part in parts}


STATEMENTS = _statements(Path(__file__).parent / "replay.sql")
CRM_STATEMENTS = _statements(Path(__file__).parents[1] / "replay.sql")


def _columns(conn, table):
    rows = conn.execute(
        "select column_name from information_schema.columns where table_schema = 'raw' and table_name = %s", [table]
    ).fetchall()
    return [row[0] for row in rows]


def _rewind(conn, day) -> int:
    touched = 0
    for table, changes, key, condition in HISTORIES:
        columns = sql.SQL(", ").join(map(sql.Identifier, _columns(conn, table)))
        statement = sql.SQL(STATEMENTS["rewind"]).format(
            table=sql.Identifier(table), changes=sql.Identifier(changes), key=sql.Identifier(key),
            name=sql.Literal(table), condition=sql.SQL(condition), columns=columns,
        )  # fmt: skip
        touched += conn.execute(statement, {"day": day}).rowcount
    return touched


def _forget(conn, table, day) -> int:
    columns = _columns(conn, table)
    known = [name for name in ("recorded_at", "occurred_at", "observed_at", "usage_on", "loaded_at") if name in columns]
    identifier, fields = sql.Identifier("raw", table), sql.SQL(", ").join(map(sql.Identifier, known))
    gone = conn.execute(sql.SQL("delete from {} where coalesce({}) >= %s").format(identifier, fields), [day]).rowcount
    if "deleted_at" in columns:
        conn.execute(sql.SQL("update {} set deleted_at = null where deleted_at >= %s").format(identifier), [day])
    return gone


def _build(database, as_of, folder, *models):
    dbt.run(
        database.settings, ["run", "--select", *models],
        {
            "as_of_date": as_of.isoformat(), "customer_snapshot_dates": [DATES[0].isoformat()],
            "customer_change_days": (END - DATES[1]).days,
        },
        target_path=folder,
    )  # fmt: skip


@pytest.fixture(scope="module")
def company(make_database):
    """A small simulated company with messy customers, and nothing built."""
    database = make_database("replay_customers")
    with database.connect() as conn:
        simulate(conn, deals=250, seed=5, end_on=END, shoppers=150, installs=0)
        conn.execute("select setseed(0.25)")
        for name, text in STATEMENTS.items():
            if name.startswith("mess_"):
                conn.execute(text)
        conn.commit()
    return database


@pytest.fixture(scope="module")
def of_today(company, make_database, tmp_path_factory):
    """The same company with features built as of the last day."""
    database = make_database("replay_customers_today", company)
    _build(database, END, tmp_path_factory.mktemp("target"), *CUSTOMERS)
    return database


def _features(database, as_of, statement="features"):
    with database.connect("transformer") as conn:
        cursor = conn.execute(STATEMENTS[statement], {"as_of_date": as_of})
        return [column.name for column in cursor.description], cursor.fetchall()


@pytest.fixture(scope="module")
def as_known(company, make_database, tmp_path_factory):
    """A function that gives the company as it was known on a day, with features of that day."""
    made = {}

    def rewind(as_of):
        if as_of not in made:
            made[as_of] = make_database("replay_customers_past", company)
            _rewind_all(made[as_of], as_of)
            _build(made[as_of], as_of, tmp_path_factory.mktemp("target"), *CUSTOMERS, SERIES)
        return made[as_of]

    return rewind


def _rewind_all(past, as_of):
    with past.connect() as conn:
        conn.execute("select setseed(0.5)")
        after = datetime.combine(as_of + timedelta(days=1), datetime.min.time(), UTC)
        assert _rewind(conn, after) > 100
        for name, text in (STATEMENTS | CRM_STATEMENTS).items():
            if name.startswith(("forget_", "reopen_", "restore_", "overwrite_")):
                conn.execute(text, {"day": after})
        assert sum(_forget(conn, table, after) for table in ROWS) > 1000
        conn.commit()


@pytest.mark.parametrize("as_of", [pytest.param(DATES[0], marks=pytest.mark.slow), DATES[1]], ids=str)
def test_features_do_not_see_the_future(of_today, as_known, as_of):
    past = as_known(as_of)
    for statement in ("features", "invoice_features"):
        _check_equal(_features(of_today, as_of, statement), _features(past, as_of, statement))


def _check_equal(today, then):
    (names, expected), (past_names, found) = today, then
    assert past_names == names
    assert [row[0] for row in found] == [row[0] for row in expected]
    differing = {
        (row[0], name): (then, now)
        for row, then_row in zip(expected, found, strict=True)
        for name, then, now in zip(names, then_row, row, strict=True)
        if then != now
    }
    assert not differing, (
        f"{len(differing)} differ: (as known then, as computed today) {dict(list(differing.items())[:20])}"
    )


@pytest.mark.slow
def test_series_do_not_see_the_future(company, as_known, make_database, tmp_path_factory):
    whole = make_database("replay_series", company)
    _build(whole, DATES[-1], tmp_path_factory.mktemp("target"), SERIES)
    found = []
    for database in (whole, as_known(DATES[-1])):
        with database.connect("transformer") as conn:
            found.append(conn.execute(STATEMENTS["series"]).fetchall())
    assert found[0] == found[1]
    assert {row[1] for row in found[0]} == {"bookings", "revenue", "mrr"} and len(found[0]) > 100


@pytest.mark.parametrize("statement", ["features", "invoice_features"])
def test_every_feature_was_put_to_the_test(of_today, statement):
    """A column that is null, or the same everywhere, would prove nothing."""
    names, rows = zip(*[_features(of_today, day, statement) for day in DATES], strict=True)
    seen = {name: {row[i] for found in rows for row in found} for i, name in enumerate(names[0])}
    assert {name for name, values in seen.items() if len(values) < 2} == NEVER[statement]
