"""Submissions and targets from CSV files: good rows are appended, bad ones kept with their reason, nothing is lost."""

import os

import pytest
from psycopg import errors
from typer.testing import CliRunner

from revlayer.cli.main import app
from revlayer.errors import RevlayerError

SUBMISSIONS = """\
period_start_on,category,amount,currency_code,author,submitted_at,kind,period_type,segment_id,owner_id,note
2025-07-01,commit,125000.50,USD,ann,2025-06-30T17:00,,,,,"first, with care"
2025-07-01,best_case,90000,EUR,bob,2025-06-30,override,quarter,Large / North,,
2025-08-01,commit,7,USD,ann,2025-06-30,,,,owner:7,
"""
BAD = {
    "2025-07-02,commit,1,USD,ann,2025-06-30,,,,,": "not the first day of a month",
    "2025-08-01,commit,1,USD,ann,2025-06-30,,quarter,,,": "no fiscal quarter begins on 2025-08-01",
    "2025-07-01,guess,1,USD,ann,2025-06-30,,,,,": "'guess' is none of closed, commit, best_case, pipeline",
    "2025-07-01,commit,-1,USD,ann,2025-06-30,,,,,": "below zero",
    "2025-07-01,commit,many,USD,ann,2025-06-30,,,,,": "amount: 'many' is no number",
    "2025-07-01,commit,NaN,USD,ann,2025-06-30,,,,,": "amount: 'NaN' is no number",
    "2025-07-01,commit,1,dollar,ann,2025-06-30,,,,,": "no code such as EUR",
    "2025-07-01,commit,1,USD,ann,2025-06-30,,,A,owner:7,": "to a segment_id, or to an owner_id",
    "2025-07-01,commit,1,USD,ann,2999-06-30,,,,,": "in the future",
    "2025-07-01,commit,1,USD,ann,yesterday,,,,,": "'yesterday' is no time",
    ",commit,1,USD,ann,2025-06-30,,,,,": "period_start_on is empty but required",
    "2025-07-01,commit,1,USD,ann,2025-06-30,forecast,,,,": "neither submission nor override",
    "2025-07-01,commit,1,USD,ann,2025-06-30,,week,,,": "neither month nor quarter",
    "2025-07-01,commit,1,USD": "the row has 4 fields, the header 11",
    "2025-07-01,commit,5,USD,ann,2025-06-30T17:00,,,,,": "the file has this figure already, in line 2",
}  # fmt: skip
UNTIMED = "period_start_on,category,amount,currency_code\n2025-07-01,commit,1,USD\n"
KEPT = "select kind, category, amount, currency_code, author, segment_id, owner_id from planning.forecast_submissions"


@pytest.fixture
def run(database, monkeypatch, tmp_path):
    """Write a file and run a command on it in process; return its exit code and what it printed or raised."""
    monkeypatch.setenv("REVLAYER_DATABASE_URL", database.url)
    monkeypatch.setitem(os.environ, "COLUMNS", "300")

    def invoke(command, text, *options):
        file = tmp_path / "figures.csv"
        file.write_text(text, encoding="utf-8")
        done = CliRunner().invoke(app, ["forecast", command, str(file), *options])
        if isinstance(done.exception, RevlayerError):
            return done.exception.exit_code, str(done.exception)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return invoke


def query(database, statement):
    with database.connect() as conn:
        return conn.execute(statement).fetchall()


def test_rows_are_appended_once(database, run):
    assert "3 rows read, 3 accepted, 0 there already, 0 rejected" in run("submit", SUBMISSIONS)[1]
    first, second, third = query(database, f"{KEPT} order by submission_id")
    assert first == ("submission", "commit", pytest.approx(125000.50), "USD", "ann", "(all)", None)
    assert second[0] == "override" and second[5] == "Large / North" and third[6] == "owner:7"
    assert "3 rows read, 0 accepted, 3 there already, 0 rejected" in run("submit", SUBMISSIONS)[1]
    assert len(query(database, KEPT)) == 3


def test_bad_rows_are_kept_with_their_reason_and_good_ones_taken(database, run):
    code, shown = run("submit", SUBMISSIONS + "\n".join(BAD) + "\n")
    assert code == 0 and f"{3 + len(BAD)} rows read, 3 accepted, 0 there already, {len(BAD)} rejected" in shown
    rows = query(database, "select line_number, reason, row_text from planning.rejected_rows order by line_number")
    assert [line for line, _, _ in rows] == list(range(5, 5 + len(BAD)))
    for (_, reason, text), (row, expected) in zip(rows, BAD.items(), strict=True):
        assert expected in reason and text == row
    counts = "select read_count, accepted_count, repeated_count, rejected_count from planning.imports"
    assert query(database, counts) == [(3 + len(BAD), 3, 0, len(BAD))]


def test_a_correction_needs_a_later_time(database, run):
    run("submit", SUBMISSIONS)
    changed = SUBMISSIONS.replace("125000.50", "130000")
    assert "ann submitted 125000.50 USD at that very time" in run("submit", changed)[1]
    assert "1 accepted" in run("submit", changed.replace("T17:00", "T18:00"))[1]
    assert len(query(database, KEPT)) == 4


def test_without_author_and_time_it_is_who_runs_it_now(database, run):
    run("submit", UNTIMED)
    found = query(
        database, "select author = session_user, submitted_at <= entered_at from planning.forecast_submissions"
    )
    assert found == [(True, True)]


def test_a_file_without_times_may_be_imported_again(database, run):
    """It says what the author said last, or else it is a correction."""
    run("submit", UNTIMED)
    assert "1 rows read, 0 accepted, 1 there already, 0 rejected" in run("submit", UNTIMED)[1]
    assert "1 accepted" in run("submit", UNTIMED.replace(",1,", ",2,"))[1]
    assert "1 accepted" in run("submit", UNTIMED)[1]  # back to what it was: the latest counts
    assert "1 accepted" in run("submit", UNTIMED.replace("USD", "EUR"))[1]
    assert "0 accepted, 1 there already" in run("submit", UNTIMED.replace("USD", "EUR"))[1]
    assert "1 accepted" in run("submit", UNTIMED.replace("code\n", "code,author\n").replace("USD", "EUR,bob"))[1]
    assert len(query(database, KEPT)) == 5


def test_a_dry_run_keeps_nothing(database, run):
    code, shown = run("submit", SUBMISSIONS + next(iter(BAD)) + "\n", "--dry-run")
    assert code == 0 and "3 accepted" in shown and "nothing was kept" in shown
    tables = ("forecast_submissions", "imports", "rejected_rows")
    assert [query(database, f"select * from planning.{table}") for table in tables] == [[], [], []]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("period_start_on,category,amount\n", "lacks currency_code"),
        ("period_start_on,category,amount,currency_code,Sum\n", "unknown columns: Sum"),
        ("period_start_on,category,amount,currency_code,amount\n", "names twice: amount"),
    ],
)
def test_a_file_that_cannot_be_used_stops_and_says_so(database, run, text, complaint):
    code, shown = run("submit", text)
    assert code == 1 and complaint in shown
    assert query(database, "select * from planning.imports") == []


TARGET = "month_start_on,target_amount,currency_code,team_path,owner_id\n2025-07-01,400000,EUR,sales/north,\n"
TIMED = "month_start_on,target_amount,currency_code,author,stated_at\n2025-07-01,400,EUR,ann,2025-05-01\n"


def test_targets(database, run):
    assert "1 accepted" in run("targets", TARGET)[1]
    assert "1 there already" in run("targets", TARGET)[1]
    assert "1 accepted" in run("targets", TARGET.replace("400000", "450000"))[1]
    bad = (
        TARGET.replace("400000", "450000")
        + "2025-07-09,1,EUR,,\n2025-07-01,1,EUR,a,b\n2025-07-01,-1,EUR,,\n2025-07-01,1,E,,\n"
    )
    code, shown = run("targets", bad)
    assert code == 0 and "4 rejected" in shown
    found = query(database, "select team_path, segment_id, target_amount from planning.targets order by target_id")
    assert found == [("sales/north", "(all)", 400000), ("sales/north", "(all)", 450000)]
    said = "select author = session_user, entered_by = session_user, stated_at <= entered_at from planning.targets"
    assert query(database, said) == [(True, True, True)] * 2


def test_targets_of_the_past_have_their_own_time(database, run):
    assert "2 accepted" in run("targets", TIMED + "2025-07-01,500,EUR,ann,2025-06-15T09:00\n")[1]
    assert "2 there already" in run("targets", TIMED + "2025-07-01,500,EUR,ann,2025-06-15T09:00\n")[1]
    assert "ann stated 400.00 EUR at that very time" in run("targets", TIMED.replace(",400,", ",410,"))[1]
    assert "is in the future" in run("targets", TIMED.replace("2025-05-01", "2999-05-01"))[1]
    # The latest of them is what a row without a time is held against.
    untimed = TIMED.replace("stated_at", "segment_id").replace("2025-05-01", "(all)")
    assert "1 there already" in run("targets", untimed.replace(",400,", ",500,"))[1]
    found = query(database, "select target_amount, author, stated_at::date::text from planning.targets order by 3")
    assert found == [(400, "ann", "2025-05-01"), (500, "ann", "2025-06-15")]


def test_names_the_data_do_not_know_are_taken_and_named(database, run):
    text = (
        "month_start_on,target_amount,currency_code,segment_id,owner_id,team_path\n"
        "2025-07-01,500,USD,Nowhere,,\n2025-08-01,500,USD,Nowhere,,\n2025-07-01,1,USD,(ALL),,\n"
        "2025-07-01,1,XXX,,U-none,\n2025-07-01,1,USD,A,,\n2025-07-01,1,USD,,,sales\n2025-07-01,1,USD,,,sal\n"
    )
    assert "the marts are not built yet" in run("targets", text, "--dry-run")[1]
    with database.connect("transformer") as conn:
        conn.execute("create table marts.known_names (name_kind text, name text)")
        conn.execute("insert into marts.known_names values ('segment', '(all)'), ('segment', 'A'), ('owner', 'o:1'),"
                     " ('team', 'sales/north'), ('currency', 'USD')")  # fmt: skip
        conn.execute("grant select on marts.known_names to revlayer_reader")
    code, shown = run("targets", text)
    assert code == 0 and "7 accepted, 0 there already, 0 rejected" in shown
    assert shown.split("until the data do:\n")[1].splitlines() == [
        "  segment Nowhere (2 rows)", "  currency XXX (1 rows)", "  owner U-none (1 rows)", "  segment (ALL) (1 rows)",
        "  team sal (1 rows)",
    ]  # fmt: skip
    assert "warning" not in run("submit", UNTIMED)[1]


INSERT = (
    "insert into planning.forecast_submissions (category, period_start_on, amount, currency_code, segment_id, owner_id,"
    " submitted_at) values (%s, %s, %s, %s, %s, %s, coalesce(%s::timestamptz, clock_timestamp()))"
)
GOOD = ("commit", "2025-07-01", 1, "USD", "(all)", None, None)


def test_plain_sql_appends_too(database):
    with database.connect("planner") as conn:
        conn.execute(INSERT, GOOD)
        assert conn.execute("select author, kind, period_type from planning.forecast_submissions").fetchone() == (
            conn.info.user, "submission", "month",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, "guess"), (1, "2025-07-02"), (1, "infinity"), (2, -1), (2, "NaN"), (3, "usd"), (4, " "), (5, " "),
     (6, "2999-01-01"), (6, "-infinity")],
)  # fmt: skip
def test_plain_sql_takes_no_nonsense(database, place, value):
    row = [*GOOD[:place], value, *GOOD[place + 1 :]]
    with database.connect("planner") as conn, pytest.raises(errors.CheckViolation):
        conn.execute(INSERT, row)
