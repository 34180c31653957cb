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
