"""The chain of financial events: whatever is done to it is found, and writers at once keep one chain."""

import threading

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

INSERT = (
    "insert into raw.tax_rates (source_name, source_id, country_code, rate, valid_from)"
    " select 'test', %s || n, 'DE', 0.19, '2025-01-01' from generate_series(1, %s) as n"
)
VERIFY = "select is_intact, event_count, first_broken_event_id, reason from audit.verify()"


@pytest.fixture(scope="module")
def chain(make_database):
    """Eight events: five inserts, two updates of which one changes nothing, two deletions and a subscription."""
    database = make_database("audit")
    with database.connect("loader") as conn:
        conn.execute(INSERT, ["a", 5])
        conn.execute("update raw.tax_rates set rate = case source_id when 'a1' then 0.07 else rate end")
        conn.execute("delete from raw.tax_rates where source_id in ('a2', 'a3')")
    return database


def events(conn):
    return conn.execute("select action, source_id, row_before ->> 'rate', row_after ->> 'rate' from audit.trail"
                        " order by event_id").fetchall()  # fmt: skip


def test_every_change_is_an_event(chain):
    with chain.connect() as conn:
        assert conn.execute(VERIFY).fetchone() == (True, 8, None, None)
        assert events(conn) == [
            *[("insert", f"a{n}", None, "0.19") for n in range(1, 6)],
            ("update", "a1", "0.19", "0.07"),
            ("delete", "a2", "0.19", None),
            ("delete", "a3", "0.19", None),
        ]


def test_a_load_rolled_back_leaves_no_event(chain):
    with chain.connect("loader") as conn:
        conn.execute(INSERT, ["b", 3])
        conn.rollback()
    with chain.connect() as conn:
        assert conn.execute(VERIFY).fetchone()[1] == 8


def test_copy_and_upsert_are_seen(database):
    with database.connect("loader") as conn:
        with conn.cursor().copy(
            "copy raw.tax_rates (source_name, source_id, country_code, rate, valid_from) from stdin"
        ) as copy:
            copy.write("test\tx\tDE\t0.19\t2025-01-01\ntest\ty\tAT\t0.2\t2025-01-01\n")
        upsert = (
            "insert into raw.tax_rates (source_name, source_id, country_code, rate, valid_from)"
            " values ('test', 'x', 'DE', %s, '2025-01-01')"
            " on conflict (source_name, source_id) do update set rate = excluded.rate"
            " where tax_rates.rate is distinct from excluded.rate"
        )
        conn.execute(upsert, [0.19])
        conn.execute(upsert, [0.16])
    with database.connect() as conn:
        assert [row[0] for row in events(conn)] == ["insert", "insert", "update"]
        assert conn.execute(VERIFY).fetchone()[0] is True


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_done_to_the_chain_is_found(chain, data):
    """Change one byte, delete, insert or swap events, as somebody with the owner's rights could."""
    event = data.draw(st.integers(1, 8))
    what = data.draw(st.sampled_from(["payload", "previous_hash", "hash", "delete", "insert", "swap", "head"]))
    with chain.connect() as conn:
        conn.execute("alter table audit.events disable trigger append_only")
        if what in ("payload", "previous_hash", "hash"):
            statement = sql.SQL("select {} from audit.events where event_id = %s").format(sql.Identifier(what))
            value = conn.execute(statement, [event]).fetchone()[0]
            broken = bytearray(value.encode() if isinstance(value, str) else value)
            place = data.draw(st.integers(0, len(broken) - 1))
            # Another printable byte keeps a payload valid text.
            broken[place] = ord("z") if broken[place] != ord("z") else ord("y")
            changed = broken.decode() if isinstance(value, str) else bytes(broken)
            statement = sql.SQL("update audit.events set {} = %s where event_id = %s").format(sql.Identifier(what))
            conn.execute(statement, [changed, event])
            first = event
        elif what == "delete":
            conn.execute("delete from audit.events where event_id = %s", [event])
            first = event
        elif what == "insert":
            conn.execute("update audit.events set event_id = -event_id - 1 where event_id >= %s", [event])
            conn.execute("update audit.events set event_id = -event_id where event_id < 0")
            conn.execute("insert into audit.events select %s, payload, previous_hash, hash from audit.events"
                         " where event_id = %s", [event, event + 1])  # fmt: skip
            first = event + 1  # the copy stands where the event stood
        elif what == "swap":
            other = data.draw(st.integers(1, 8).filter(lambda number: number != event))
            conn.execute("update audit.events set event_id = -event_id where event_id in (%s, %s)", [event, other])
            conn.execute("update audit.events set event_id = case -event_id when %(a)s then %(b)s else %(a)s end"
                         " where event_id < 0", {"a": event, "b": other})  # fmt: skip
            first = min(event, other)
        else:
            conn.execute("update audit.head set event_id = event_id - 1")
            first = 9
        intact, _, found, reason = conn.execute(VERIFY).fetchone()
        conn.rollback()
    assert (intact, found) == (False, first), (what, reason)
    assert reason


def test_writers_at_once_keep_one_chain(database):
    failures = []

    def write(number: int) -> None:
        try:
            for turn in range(10):
                with database.connect("loader") as conn:
                    conn.execute(INSERT, [f"w{number}t{turn}n", 3])
                    if turn % 4 == 3:
                        conn.rollback()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.connect() as conn:
        assert conn.execute(VERIFY).fetchone() == (True, 8 * 8 * 3, None, None)


def test_a_large_statement_is_told_row_by_row(database):
    """Its events are written in batches, and only the first names what all have in common."""
    with database.connect("loader") as conn:
        conn.execute(INSERT, ["n", 2345])
        conn.execute("update raw.tax_rates set rate = 0.2 where source_id >= 'n2'")
        changed = conn.execute("select count(*) from raw.tax_rates where rate = 0.2").fetchone()[0]
        conn.execute("delete from raw.tax_rates where source_id = 'n1'")
    with database.connect() as conn:
        assert conn.execute(VERIFY).fetchone() == (True, 2345 + changed + 1, None, None)
        told = conn.execute(
            "select action, row_before ->> 'rate', row_after ->> 'rate', table_name, changed_by is not null,"
            " count(*), count(distinct source_id), count(distinct recorded_at) from audit.trail group by 1, 2, 3, 4, 5"
        ).fetchall()
        assert set(told) == {
            ("insert", None, "0.19", "raw.tax_rates", True, 2345, 2345, 1),
            ("update", "0.19", "0.2", "raw.tax_rates", True, changed, changed, 1),
            ("delete", "0.19", None, "raw.tax_rates", True, 1, 1, 1),
        }
        lengths = "select max(length(payload)) filter (where event_id = 1), max(length(payload)) from audit.events"
        first, longest = conn.execute(lengths + " where event_id <= 2345").fetchone()
        assert first == longest
        rest = conn.execute(lengths + " where event_id between 2 and 2345").fetchone()[1]
        assert rest < first / 2


def test_rows_are_told_whole(database):
    """Every column with its value and type, also where the key itself changes."""
    with database.connect("loader") as conn:
        conn.execute(INSERT, ["k", 2])
        rows = [row[0] for row in conn.execute("select to_jsonb(t) from raw.tax_rates as t order by source_id")]
        conn.execute("update raw.tax_rates set source_id = 'other' where source_id = 'k2'")
    with database.connect() as conn:
        told = conn.execute("select row_before, row_after from audit.trail order by event_id").fetchall()
    assert told[:2] == [(None, row) for row in rows]
    moved = {**rows[1], "source_id": "other"}
    assert sorted(told[2:], key=str) == sorted([(rows[1], None), (None, moved)], key=str)


def test_events_of_the_first_version_are_still_told(database):
    payload = (
        '{"at": "2025-01-01T00:00:00+00:00", "by": "x", "table": "raw.tax_rates", "action": "insert", "before": null,'
        ' "after": {"source_name": "test", "source_id": "old", "rate": 0.19}}'
    )
    with database.connect() as conn:
        conn.execute("insert into audit.events values (1, %s, '', '')", [payload])
        assert events(conn) == [("insert", "old", None, "0.19")]


def test_writers_of_the_same_rows_do_not_wait_for_each_other(database):
    """Each changes both rows, in an order of its own; without a queue before the rows they would deadlock."""
    with database.connect("loader") as conn:
        conn.execute(INSERT, ["r", 2])
    failures, start = [], threading.Barrier(4)

    def write(number: int) -> None:
        try:
            for turn in range(10):
                with database.connect("loader") as conn:
                    start.wait(30)
                    for row in (1, 2) if number % 2 else (2, 1):
                        conn.execute(
                            "update raw.tax_rates set rate = %s where source_id = %s",
                            [(number * 10 + turn + 1) / 1000, f"r{row}"],
                        )
        except Exception as error:
            failures.append(error)
            start.abort()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.connect() as conn:
        assert conn.execute(VERIFY).fetchone() == (True, 2 + 4 * 10 * 2, None, None)


@pytest.mark.parametrize("role", ["loader", "transformer", "scorer", "planner", "reader"])
@pytest.mark.parametrize("statement", ["update audit.events set payload = ''", "delete from audit.events",
                                       "insert into audit.events values (99, '', '', '')",
                                       "update audit.head set event_id = 0", "truncate audit.events"])  # fmt: skip
def test_no_application_role_touches_events(chain, role, statement):
    with chain.connect(role) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(statement)


@pytest.mark.parametrize("statement", ["delete from audit.events", "truncate audit.events",
                                       "update audit.events set payload = ''", "truncate raw.tax_rates"])  # fmt: skip
def test_not_even_the_owner_by_accident(chain, statement):
    with chain.connect("owner") as conn, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        conn.execute(statement)


def test_a_reader_has_the_chain_checked_without_reading_it(chain):
    with chain.connect("reader") as conn:
        assert conn.execute(VERIFY).fetchone()[0] is True
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("select * from audit.trail")
