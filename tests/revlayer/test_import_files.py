"""Whole imports into a database: rows taken, rows rejected with line and reason, nothing lost, nothing twice."""

import csv
import io
import re

import psycopg
import pytest
from file_importer import DEALS, HEADER, STAGES, Importer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revlayer.errors import BusyError
from revlayer.importing import ImportProblem


@pytest.fixture
def importer(import_database, tmp_path, request):
    made = Importer(import_database, tmp_path, f"s{abs(hash(request.node.name))}")
    yield made
    made.conn.close()


GOOD = "A,Good,Open,10.50,2024-05-01,12/31/2025,yes\n"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("B,x,Open,1,2024-02-30,,", "opened: '2024-02-30' is no time"),
        ("B,x,Open,1,01.02.2024,,", "opened: '01.02.2024' is no time"),
        ("B,x,Open,1,,2/30/2025,", "due: '2/30/2025' is no date as %m/%d/%Y"),
        ("B,x,Open,ten,,,", "value: 'ten' is no number"),
        ("B,x,Open,NaN,,,", "value: 'NaN' is no number"),
        ("B,x,Open,1e30,,,", "at most 16 digits before the point"),
        ("B,x,Open,1,,,maybe", "champion: 'maybe' is neither true nor false"),
        ("B,x,Opne,1,,,", "stage: no row in stages has the key 'Opne'"),
        ("B,x,,1,,,", "stage is empty but required"),
        (",x,Open,1,,,", "id is empty but part of the key"),
        (f"{'k' * 600},x,Open,1,,,", "the key is longer than 500 characters"),
        ("A,again,Open,1,,,", "the key 'A' stands in line 2 already"),
        ("B,x,Open,1,,", "the row has 6 fields, the header 7"),
        ("B,x\0,Open,1,,,", "NUL"),
        ("B,x,Open,ten,never,2/30/2025,", "value: .*; opened: .*; due: "),
        ("B," + "x" * 3000 + ",Open,1,,,", "bytes long; the limit is 2048"),
    ],
)
def test_a_bad_row_is_rejected_with_line_and_reason(importer, row, reason):
    summary = importer.run(HEADER + GOOD + row + "\nC,Good too,Won,,,,\n", line_limit_bytes=2048)
    [(file_name, line_number, found, row_text)] = importer.rejects(summary)
    assert (file_name, line_number) == ("deals.csv", 3)
    assert re.search(reason, found)
    assert row_text
    assert importer.deals() == ["A", "C"]
    assert (summary.read_count, summary.accepted_count, summary.rejected_count) == (5, 4, 1)
    assert found in summary.render()


def test_values_arrive_typed(importer):
    importer.run(HEADER + GOOD + "B, padded ,Won,,,,\n")
    times = "occurred_at::text, expected_close_on::text, has_champion, recorded_at::text, observed_at::text"
    rows = importer.deals("name, amount::text, " + times)
    assert rows[0] == ("Good", "10.50", "2024-05-01 00:00:00+00", "2025-12-31", True, None, "2025-01-31 00:00:00+00")
    assert rows[1] == ("padded", None, None, None, None, "2025-01-31 00:00:00+00", "2025-01-31 00:00:00+00")


def test_naive_times_are_in_the_declared_zone(importer):
    importer.run(HEADER + GOOD + "B,x,Open,1,2024-05-01T10:00:00-03:00,,\n", time_zone="Europe/Berlin")
    assert importer.deals("occurred_at::text") == ["2024-04-30 22:00:00+00", "2024-05-01 13:00:00+00"]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "deals.csv is empty"),
        ("id,title\n1,x\n", {}, "deals.csv has no column 'stage', 'value', 'opened', 'due', 'champion'"),
        (HEADER.replace(",", ";") + "1;x\n", {}, "delimiter ','"),
        (b"\xff\xfei\0d\0", {}, "UTF-16"),
    ],
)
def test_a_file_that_cannot_be_used_fails_the_import_and_says_so(importer, content, options, message):
    importer.run(HEADER + GOOD)
    with pytest.raises(ImportProblem, match=message):
        importer.run(content, **options)
    assert importer.last_run()[0] == "failed"
    assert message in importer.last_run()[1]
    assert importer.deals() == ["A"]


def test_rejected_rows_outlive_a_failed_import(importer, monkeypatch):
    def refuse(*_):
        raise psycopg.errors.NumericValueOutOfRange("no room")

    monkeypatch.setattr("revlayer.importing.run.merge", refuse)
    with pytest.raises(ImportProblem, match="refuses a value: no room"):
        importer.run(HEADER + GOOD + "B,x,Open,ten,,,\n", DEALS)
    count = importer.conn.execute("select count(*) from raw.rejected_rows where row_text like 'B,x,Open,ten%%'")
    assert count.fetchone()[0] >= 1
    assert importer.last_run()[0] == "failed"
    assert importer.deals() == []


def test_wrong_encoding(importer):
    content = HEADER.encode() + "A,Müller,Open,1,,,\nB,Miller,Open,1,,,\n".encode("cp1252")
    summary = importer.run(content)
    assert importer.deals() == ["B"]
    assert "not utf-8" in importer.rejects(summary)[0][2]
    importer.run(content, encoding="cp1252")
    assert importer.deals("name") == ["Müller", "Miller"]


def test_twice_changes_nothing_and_a_later_export_changes_what_differs(importer):
    first = importer.run(HEADER + GOOD + "B,x,Open,1,,,\n")
    again = importer.run(HEADER + GOOD + "B,x,Open,1,,,\n")
    same_later = importer.run(HEADER + GOOD + "B,x,Open,1,,,\n", exported_at="2025-02-28")
    later = importer.run(HEADER + GOOD + "B,x,Won,2,,,\n", exported_at="2025-03-31")
    older = importer.run(HEADER + GOOD + "B,x,Open,1,,,\n")
    counts = [s.changed_count for s in (first, again, same_later, later, older)]
    assert counts == [4, 0, 0, 1 + 4, 0]
    rows = importer.deals("stage_source_id, recorded_at::date::text, observed_at::date::text")
    assert rows == [("Open", None, "2025-01-31"), ("Won", "2025-01-31", "2025-03-31")]


def test_what_earlier_exports_showed_stays_known(importer):
    importer.run(HEADER + "B,x,Open,1,,12/31/2025,\n")
    importer.run(HEADER + "B,x,Open,2,,12/31/2025,\n", exported_at="2025-02-28")
    importer.run(HEADER + "B,x,Won,,,12/31/2025,\n", exported_at="2025-03-31")
    query = """select field_name, old_value, new_value, recorded_at::date::text from raw.deal_changes
               where source_name = %s and occurred_at is null
               order by field_name, recorded_at"""
    assert importer.conn.execute(query, [importer.source]).fetchall() == [
        ("amount", None, "1.00", "2025-01-31"),
        ("amount", "1.00", "2.00", "2025-02-28"),
        ("amount", "2.00", None, "2025-03-31"),
        ("expected_close_on", None, "2025-12-31", "2025-01-31"),
        ("stage", None, "Open", "2025-01-31"),
        ("stage", "Open", "Won", "2025-03-31"),
    ]


def test_dry_run_keeps_nothing(importer):
    summary = importer.run(HEADER + GOOD + "B,x,Opne,1,,,\n", dry_run=True)
    assert (summary.read_count, summary.rejected_count, summary.changed_count) == (4, 1, 3)
    assert "nothing was kept" in summary.render() and "Opne" in summary.render()
    assert importer.deals() == []
    assert importer.last_run() is None


def test_references_to_rows_that_are_missing_or_rejected(importer):
    accounts = {
        "table": "accounts",
        "file": "deals.csv",
        "key": "id",
        "columns": {"name": "title", "parent_account_source_id": {"from": "stage", "references": "accounts"}},
    }
    rows = "A,root,,,,,\nB,child,A,,,,\nC,lost child,X,,,,\nD,child of lost,C,,,,\nE,own,E,,,,\n"
    summary = importer.run(HEADER + rows, accounts)
    assert [line for _, line, _, _ in importer.rejects(summary)] == [4, 5]
    assert summary.accepted_count == 3


def test_one_key_in_two_files_is_taken_once(importer):
    (importer.folder / "more.csv").write_text(HEADER + "A,other,Open,1,,,\nZ,more,Open,1,,,\n")
    summary = importer.run(HEADER + GOOD, STAGES, DEALS, {**DEALS, "file": "more.csv"})
    assert importer.deals() == ["A", "Z"]
    assert importer.rejects(summary)[0][2] == "the key 'A' stands in line 2 of deals.csv already"


def test_when_leaves_rows_to_other_targets(importer):
    won = {**DEALS, "when": {"stage": "Won", "title": {"empty": False}}}
    rest = {**DEALS, "when": {"stage": {"not_in": ["Won"]}}}
    summary = importer.run(HEADER + GOOD + "B,x,Won,1,,,\nC,,Won,1,,,\n", STAGES, won, rest)
    assert importer.deals() == ["A", "B"]
    assert [(t.read_count, t.skipped_count) for t in summary.targets[1:]] == [(1, 2), (1, 2)]
    assert summary.read_count == summary.accepted_count


def test_a_history_only_grows(importer):
    history = {
        "table": "deal_changes",
        "file": "deals.csv",
        "key": "id",
        "columns": {
            "deal_source_id": {"from": "title", "required": True},
            "field_name": {"constant": "stage"},
            "new_value": "stage",
            "occurred_at": "opened",
        },
    }
    first = importer.run(HEADER + "h1,D,Open,,2024-01-01,,\nh2,D,Nowhere,,2024-01-02,,\n", STAGES, history)
    assert "'Nowhere'" in importer.rejects(first)[0][2]
    second = importer.run(HEADER + "h1,D,Won,,2024-01-01,,\nh3,D,Won,,2024-02-01,,\n", STAGES, history)
    assert "histories only grow" in importer.rejects(second)[0][2]
    assert second.changed_count == 1


def test_changes_without_a_time_follow_the_exports(importer):
    deals = {**DEALS, "changes": [{"field": "stage", "value": "stage"}]}
    for day, stage, changed in (("01", "Open", 4), ("02", "Open", 0), ("03", "Won", 2), ("04", "Open", 2)):
        summary = importer.run(HEADER + f"A,x,{stage},,,,\n", STAGES, deals, exported_at=f"2025-02-{day}")
        assert summary.changed_count == changed
    query = (
        "select new_value, recorded_at::date::text from raw.deal_changes where source_name = %s order by recorded_at"
    )
    rows = importer.conn.execute(query, [importer.source]).fetchall()
    assert rows == [("Open", "2025-02-01"), ("Won", "2025-02-03"), ("Open", "2025-02-04")]


def test_one_import_of_a_source_at_a_time(importer, import_database, monkeypatch):
    from revlayer.importing import run

    with import_database.connect("loader") as other, run._alone(other, importer.source), pytest.raises(BusyError):
        importer.run(HEADER + GOOD)
    assert importer.run(HEADER + GOOD).changed_count == 3


def test_a_killed_import_is_closed_by_the_next(importer):
    importer.conn.execute(
        "insert into raw.import_runs (source_name, mapping_sha256) values (%s, 'x')", [importer.source]
    )
    importer.conn.commit()
    importer.run(HEADER + GOOD)
    query = "select status from raw.import_runs where source_name = %s order by import_id"
    assert importer.conn.execute(query, [importer.source]).fetchall() == [("failed",), ("finished",)]


CELLS = st.one_of(
    st.sampled_from(["A", "B", "C", "Open", "Won", "Opne", "1", "1.5", "x", "2024-05-01", "2/30/2025"]),
    st.sampled_from(["1/2/2025", "yes"]),
    st.text(alphabet=st.sampled_from('aé",;\n\r\0 '), max_size=4),
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELLS, min_size=0, max_size=8), max_size=12), raw=st.booleans(), broken=st.booleans())
def test_accepted_and_rejected_make_up_what_was_read(importer, rows, raw, broken):
    if raw:
        body = "\n".join(",".join(row) for row in rows)
    else:
        buffer = io.StringIO()
        csv.writer(buffer).writerows(rows)
        body = buffer.getvalue()
    content = (HEADER + body).encode() + (b"\xff\n" if broken else b"")
    summary = importer.run(content, dry_run=True)
    assert summary.accepted_count + summary.rejected_count == summary.read_count
    if not (raw or broken or "\0" in body):
        assert summary.targets[1].read_count == sum(1 for row in rows if row)
