"""The simulated company in the database: idempotent, complete, and alone in its source."""

from datetime import date

import psycopg
import pytest

from revlayer.simulator import SimulationSummary, simulate


def run(conn: psycopg.Connection, deals: int = 300, seed: int = 1) -> SimulationSummary:
    return simulate(conn, deals=deals, seed=seed, months=12, end_on=date(2025, 12, 31))


def content(conn: psycopg.Connection, table: str) -> tuple[int, str]:
    """Row count and a digest of all rows without loaded_at, whatever their order."""
    statement = f"""
        select count(*), coalesce(md5(string_agg(line, chr(10) order by line)), '')
        from (select (to_jsonb(t) - 'loaded_at')::text as line from {table} t) lines"""
    row = conn.execute(statement).fetchone()
    assert row is not None
    return row


@pytest.fixture
def conn(database):  # type: ignore[no-untyped-def]
    with database.connect("owner") as connection:
        yield connection


def test_a_second_run_changes_nothing_and_the_summary_counts(conn: psycopg.Connection) -> None:
    summary = run(conn)
    assert {"raw.deals", "truth.deal_win_probability", "raw.invoices", "raw.daily_usage"} <= summary.rows.keys()
    before = {table: content(conn, table) for table in summary.rows}
    assert {table: count for table, (count, _) in before.items()} == summary.rows
    assert "300 deals from 2025-01-01 to 2025-12-31" in str(summary)
    run(conn)
    assert {table: content(conn, table) for table in before} == before


def test_a_new_company_replaces_the_old_one_and_spares_other_sources(conn: psycopg.Connection) -> None:
    conn.execute("insert into raw.deals (source_name, source_id, name) values ('crm', '1', 'theirs')")
    conn.execute("insert into truth.deal_win_probability values ('simulator2:1', '2025-01-31', 0.5)")
    run(conn, deals=300)
    run(conn, deals=100, seed=2)
    counts = conn.execute("select source_name, count(*) from raw.deals group by 1 order by 1").fetchall()
    assert counts == [("crm", 1), ("simulator", 100)]
    others = conn.execute(
        "select count(*) from truth.deal_win_probability where not starts_with(deal_id, 'simulator:')"
    ).fetchone()
    assert others == (1,)


def test_shoppers_and_installs_are_replaced_too(conn: psycopg.Connection) -> None:
    names = ("shoppers", "orders", "installs", "truth of shoppers", "truth of installs")
    statement = """
        select
            (select count(*) from raw.customers where source_id like 'H%'),
            (select count(*) from raw.orders),
            (select count(*) from raw.installs),
            (select count(*) from truth.shopper_states),
            (select count(*) from truth.install_revenue)"""
    extents = {}
    for shoppers, installs in ((30, 40), (10, 0)):
        simulate(conn, deals=60, months=6, shoppers=shoppers, installs=installs)
        row = conn.execute(statement).fetchone()
        assert row is not None
        extents[shoppers] = dict(zip(names, row, strict=True))
    assert (extents[30]["shoppers"], extents[30]["installs"], extents[30]["truth of installs"]) == (30, 40, 40)
    assert (extents[10]["shoppers"], extents[10]["installs"], extents[10]["truth of installs"]) == (10, 0, 0)
    assert 0 < extents[10]["truth of shoppers"] <= 10 < extents[30]["truth of shoppers"]
    assert 0 < extents[10]["orders"] < extents[30]["orders"]


def test_a_run_that_fails_leaves_the_old_company(conn: psycopg.Connection) -> None:
    run(conn)
    before = content(conn, "raw.deals")
    conn.commit()

    def stop(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(conn, deals=100, seed=5, months=12, progress=stop)
    assert content(conn, "raw.deals") == before


def test_progress_reaches_the_end(conn: psycopg.Connection) -> None:
    seen: list[tuple[int, int]] = []
    simulate(conn, deals=100, months=6, progress=lambda what, done, total: seen.append((done, total)))
    assert seen == [(100, 100)]
