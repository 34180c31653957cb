"""The worked example of docs/pipeline.md, stages by hand, and what may not be asked."""

import re
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

TEXT = (Path(__file__).parents[3] / "docs" / "pipeline.md").read_text(encoding="utf-8")
WINDOW = ("2024-07-01", "2024-09-30")


@pytest.fixture
def read(models, story):
    """Return a function that gives the rows of a query over the marts of the story."""

    def run(query: str, *values: object):
        with models.filled(story.rows) as conn:
            return conn.execute(query.encode(), values or None).fetchall()

    return run


@pytest.fixture
def example(story) -> None:
    """The deal of the worked example."""
    for day, rate in (("2024-05-01", 1.1), ("2024-06-01", 1.2)):
        story.add("exchange_rates", day, day, from_currency_code="EUR", to_currency_code="USD", rate=rate, rate_on=day)
    story.add("accounts", "A", "2024-05-01", region="EMEA", observed_at="2024-05-01T08:00:00Z", segment="SMB")
    story.add("account_changes", "1", "2024-05-01", account_source_id="A", field_name="segment", new_value="SMB")
    story.add("account_changes", "2", "2024-06-14", account_source_id="A", field_name="segment", new_value="Enterprise")
    story.deal("D", "2024-05-02", amount="100", currency_code="EUR", expected_close_on="2024-10-31", owner="Ann",
               account="A")  # fmt: skip
    for day, fields in {
        "2024-05-20": {"expected_close_on": "2024-09-15"}, "2024-06-03": {"amount": "130"},
        "2024-06-10": {"amount": "120"}, "2024-06-12": {"owner": "Bo"},
        "2024-06-20": {"expected_close_on": "2024-11-30"}, "2024-06-25": {"expected_close_on": "2024-09-30"},
        "2024-07-01": {"stage": "lost"}, "2024-07-05": {"stage": "offer"}, "2024-07-08": {"is_deleted": "true"},
        "2024-07-10": {"is_deleted": "false"}, "2024-07-25": {"currency_code": "USD"}, "2024-07-30": {"stage": "won"},
    }.items():  # fmt: skip
        story.change("D", day, **fields)
    story.rows["entity_links"] = [
        {"entity": "deal", "source_name": "s", "source_id": "D", "canonical_id": "s:other",
         "valid_from": "2024-07-12T08:00:00Z", "valid_to": "2024-07-20T08:00:00Z"}
    ]  # fmt: skip


def _table(heading: str) -> list[list[str]]:
    """Cells of the first table after some words of the document, without its head."""
    lines = TEXT.split(heading, 1)[1].split("| ---" if "| ---" in TEXT else "|---", 1)[1].splitlines()[1:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return rows


def _stated(rows) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in rows)


def test_every_event_of_the_worked_example(example, read):
    events = read("select changed_on::text, cause from marts.fct_pipeline_changes order by change_number")
    told = _table("One deal through every cause")
    assert [(day, cause) for day, _, cause, *_ in told] == events
    change = (
        "select currency_code, sum(amount) from metrics.pipeline_change(%s::date - 1, %s, %s, %s)"
        " where cause = %s group by 1 order by 1"
    )
    for day, _, cause, in_all, in_window in told:
        assert _stated(read(change, day, day, None, None, cause)) == in_all, (day, cause)
        # The document leaves empty what is not in the window.
        assert _stated(read(change, day, day, *WINDOW, cause)) == in_window, (day, cause)


def test_a_month_of_the_worked_example(example, read):
    rows = read(
        "select cause, sum(amount)::numeric(18, 2)::text, sum(reporting_amount)::text"
        " from metrics.pipeline_change('2024-05-31', '2024-06-30', %s, %s) group by place, cause order by place",
        *WINDOW,
    )
    assert [tuple(row) for row in _table("June in that window")] == rows


def test_the_document_names_every_cause():
    named = {cause for row in _table("Why it changed") for cause in row[0].replace("`", "").split(", ")}
    function = (Path(__file__).parents[3] / "sql/functions/metrics/pipeline_change.sql").read_text(encoding="utf-8")
    known = set(re.findall(r"'(\w+)'", function.split("unnest(array[", 1)[1].split("]", 1)[0]))
    assert known - {"opening", "closing"} == named


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("'2024-02-01', '2024-01-01'", "from an earlier day to a later one, not from 2024-02-01 to 2024-01-01"),
        ("null, '2024-01-01'", "not from null to 2024-01-01"),
        ("'2024-01-01', '2024-02-01', '2024-03-01', '2024-02-28'", "ends .2024-02-28. before it begins"),
    ],
)
def test_days_that_cannot_be_are_refused(read, arguments, says):
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=says):
        read(f"select * from metrics.pipeline_change({arguments})")


def test_a_row_is_called_what_it_was_when_first_told_of(story, read):
    """Two rows are one deal, and the second was recorded after its own change: the link tells whose that is."""
    story.deal("D", "2024-05-02", amount="100", currency_code="USD")
    story.add("deals", "E", "2024-05-02", recorded_at="2024-05-20T08:00:00Z")
    story.change("E", "2024-05-10", amount="150")
    story.rows["entity_links"] = [
        {"entity": "deal", "source_name": "s", "source_id": key, "canonical_id": "one"} for key in ("D", "E")
    ]
    rows = read("select changed_on::text, cause, amount from marts.fct_pipeline_changes order by change_number")
    assert rows == [("2024-05-02", "created", Decimal(100)), ("2024-05-10", "increased", Decimal(150))]


def _merged_accounts(story, **known_on: str) -> None:
    """Two accounts known from some days, of which B becomes A on 10 May, and a deal of 2 May with B."""
    for key, day in known_on.items():
        story.add("accounts", key.upper(), day, segment="SMB", region="EMEA", observed_at=f"{day}T08:00:00Z")
    story.deal("D", "2024-05-02", amount="100", currency_code="USD", account="B")
    story.rows["entity_links"] = [
        {"entity": "account", "source_name": "s", "source_id": "B", "canonical_id": "s:A",
         "valid_from": "2024-05-10T08:00:00Z"}
    ]  # fmt: skip


def test_a_link_later_than_the_first_mention_is_a_merge(story, read):
    """B is named by a deal before its row is known and before it is linked: until then it is nobody's account."""
    _merged_accounts(story, a="2024-05-01", b="2024-05-20")
    found = {
        day: read("select account_id, segment_id from metrics.pipeline_as_of(%s)", day)
        for day in ("2024-05-09", "2024-05-10", "2024-05-20")
    }
    assert found["2024-05-09"] == [("s:B", "Unknown / Unknown")]
    assert found["2024-05-10"] == found["2024-05-20"] == [("s:A", "SMB / EMEA")]


def test_an_account_merged_into_one_that_is_not_known_yet_has_no_segment_until_it_is(story, read):
    _merged_accounts(story, a="2024-05-20", b="2024-05-01")
    events = read("select changed_on::text, cause, segment_id from marts.fct_pipeline_changes order by change_number")
    assert events == [
        ("2024-05-02", "created", "SMB / EMEA"), ("2024-05-10", "segment_moved", "Unknown / Unknown"),
        ("2024-05-20", "segment_moved", "SMB / EMEA"),
    ]  # fmt: skip


def test_the_last_telling_of_the_same_hour_counts_of_a_linked_row_too(story, read):
    story.deal("D", "2024-05-02", amount="100", currency_code="USD")
    story.add("deals", "E", "2024-05-02", recorded_at="2024-05-20T08:00:00Z")
    for key, amount, told in (("z", "150", "2024-05-10"), ("a", "200", "2024-05-12")):
        story.add("deal_changes", key, "2024-05-10", recorded_at=f"{told}T08:00:00Z", deal_source_id="E",
                  field_name="amount", new_value=amount)  # fmt: skip
    story.rows["entity_links"] = [
        {"entity": "deal", "source_name": "s", "source_id": key, "canonical_id": "one"} for key in ("D", "E")
    ]
    assert read("select amount from metrics.pipeline_as_of('2024-06-19')") == [(Decimal(200),)]


def test_raised_and_won_in_one_save_is_won_at_the_last_amount(story, read):
    story.deal("D", "2024-05-02", amount="100", currency_code="USD")
    story.change("D", "2024-05-10", stage="won", amount="150")
    rows = read("select cause, previous_amount, amount from marts.fct_pipeline_changes order by change_number")
    assert rows == [
        ("created", None, Decimal(100)), ("increased", Decimal(100), Decimal(150)), ("won", Decimal(150), Decimal(150)),
    ]  # fmt: skip


def test_who_entered_a_stage_and_what_became_of_them(story, read):
    for key, leaving in (("A", "2024-03-11"), ("B", "2024-03-21"), ("C", None), ("D", None), ("E", "2024-03-31")):
        story.deal(key, "2024-03-01")
        if leaving:
            story.change(key, leaving, stage={"A": "offer", "B": "lost", "E": "won"}[key])
    story.change("D", "2024-04-01", is_deleted="true")
    story.change("A", "2024-04-01", stage="new")
    columns = "entered_count, advanced_count, moved_back_count, lost_count, removed_count, staying_count"
    query = (
        f"select stage_name, cohort_month_on::text, {columns}, median_days, p90_days"
        " from marts.stage_conversion_monthly where segment_id = '(all)' order by 1, 2"
    )
    assert read(query) == [
        # Of A, B, C and E half had left after 20 days; C has not, so there is no p90.
        ("new", "2024-03-01", 5, 2, 0, 1, 1, 1, 20, None),
        ("new", "2024-04-01", 1, 0, 0, 0, 0, 1, None, None),
        ("offer", "2024-03-01", 1, 0, 1, 0, 0, 0, 21, 21),
    ]
