"""Target, won, open and gap of the company, segments, owners and teams, added up deal by deal."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import AS_OF, records

DAY = date.fromisoformat(AS_OF)
TEAMS = ("sales", "sales/north", "sales/north/one", "sales/northern", None)
WHOSE = (
    {"segment_id": "A"}, {"segment_id": "(all)"}, {"segment_id": "(all)", "owner_id": "o1"},
    {"segment_id": "(all)", "team_path": "sales/north"}, {"segment_id": "(all)", "team_path": "sales"},
)  # fmt: skip
CATEGORIES = {"Commit": "commit", "Best Case": "best_case", "best-case": "best_case", "omitted": None, None: "pipeline",
              "upside": "pipeline"}  # fmt: skip
days = st.dates(date(2024, 8, 1), date(2025, 2, 28))
deals = st.lists(st.fixed_dictionaries({
    "segment_id": st.sampled_from(["A", "B"]), "owner_id": st.sampled_from(["o1", "o2", None]),
    "team_path": st.sampled_from(TEAMS), "forecast_category": st.sampled_from(list(CATEGORIES)),
    "day": st.none() | days, "is_won": st.booleans(), "amount": st.integers(0, 99),
}), max_size=10)  # fmt: skip
targets = st.dictionaries(
    st.tuples(st.sampled_from(range(len(WHOSE))), st.integers(7, 12)), st.integers(1, 500), max_size=12
)


def _rows(found):
    """A deal is won on its day, by the as-of date, or open and expected then."""
    for number, deal in enumerate(found):
        is_won = deal["is_won"] and deal["day"] is not None and deal["day"] <= DAY
        yield {
            "deal_id": f"D{number}", "segment_id": deal["segment_id"], "owner_id": deal["owner_id"],
            "team_path": deal["team_path"], "forecast_category": deal["forecast_category"], "is_won": is_won,
            "is_open": not is_won, "closed_on": deal["day"] if is_won else None,
            "expected_close_on": None if is_won else deal["day"], "reporting_amount": deal["amount"],
            "forecast_amount": deal["amount"],
        }  # fmt: skip


def _belongs(row, whose):
    if "owner_id" in whose:
        return row["owner_id"] == whose["owner_id"]
    if "team_path" in whose:
        return f"{row['team_path']}/".startswith(whose["team_path"] + "/")
    return whose["segment_id"] in ("(all)", row["segment_id"])


def _amount(rows, whose, months, part):
    total = 0
    for row in rows:
        day = row["closed_on"] if row["is_won"] else row["expected_close_on"]
        named = "closed" if row["is_won"] else CATEGORIES[row["forecast_category"]]
        if day is None or named != part or not _belongs(row, whose):
            continue
        # Overdue ones count in the month of the as-of date, which has days left.
        month = max(day.replace(day=1), DAY.replace(day=1)) if row["is_open"] else day.replace(day=1)
        total += row["reporting_amount"] if month in months else 0
    return total


def _targets(entered):
    """By period and whose: the months of it and what is aimed at; a quarter where all its months have a target."""
    aimed = {}
    company = {month for whose, month in entered if whose == 1}
    for (whose, month), amount in entered.items():
        aimed["month", (month,), whose] = amount
        if whose == 0 and month not in company:  # the company's is the sum of its segments'
            aimed["month", (month,), 1] = amount
    for quarter in ((7, 8, 9), (10, 11, 12)):
        for whose in range(len(WHOSE)):
            amounts = [aimed.get(("month", (month,), whose)) for month in quarter]
            if None not in amounts:
                aimed["quarter", quarter, whose] = sum(amounts)
    return aimed


@pytest.mark.identity
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=deals, entered=targets)
def test_parts_are_the_sums_of_deals(published, found, entered):
    rows = list(_rows(found))
    planned = [
        {
            "month_start_on": date(2024, month, 1),
            "target_amount": amount,
            "currency_code": "USD",
            "stated_at": "2024-01-01",
            **WHOSE[whose],
        }
        for (whose, month), amount in entered.items()
    ]
    with published(marts__fct_deals=rows, planning__targets=planned) as conn:
        made = records(conn, "select * from marts.target_attainment")
    by_key = {(row["period_type"], row["period_start_on"], row["segment_id"], row["owner_id"], row["team_path"]): row
              for row in made}  # fmt: skip
    expected = _targets(entered)
    assert len(by_key) == len(expected)
    for (kind, numbers, place), target in expected.items():
        whose, months = WHOSE[place], [date(2024, month, 1) for month in numbers]
        row = by_key[kind, months[0], whose["segment_id"], whose.get("owner_id"), whose.get("team_path")]
        parts = [_amount(rows, whose, months, part) for part in ("closed", "commit", "best_case", "pipeline")]
        names = ("closed_amount", "commit_amount", "best_case_amount", "pipeline_amount")
        assert [row[name] for name in names] == parts
        assert (row["target_amount"], row["gap_amount"]) == (target, target - parts[0])
        assert row["attainment_rate"] == pytest.approx(float(Fraction(parts[0], target)))
        gap = target - parts[0]
        coverage = pytest.approx(float(Fraction(sum(parts[1:]), gap))) if gap > 0 else None
        assert row["coverage_rate"] == coverage


def test_forecast_and_people_stand_beside_the_target(published):
    november = date(2024, 11, 1)
    quantiles = [
        {"period_type": "month", "period_start_on": november, "segment_id": "A", "mean_amount": 21,
         "probability": probability, "amount": amount}
        for probability, amount in zip((0.025, 0.1, 0.5, 0.9, 0.975), (8, 10, 20, 30, 40), strict=True)
    ]  # fmt: skip
    target = {"month_start_on": november, "target_amount": 25, "currency_code": "USD", "stated_at": "2024-11-01"}
    said = {"period_start_on": november, "currency_code": "USD", "category": "commit", "segment_id": "A"}
    people = [
        {**said, "author": "ann", "amount": 30, "submitted_at": "2024-11-01"},
        {**said, "author": "ann", "amount": 28, "submitted_at": "2024-11-08"},
        {**said, "author": "bob", "amount": 22, "submitted_at": "2024-11-09", "kind": "override"},
        {**said, "author": "ann", "amount": 99, "submitted_at": "2024-11-13"},
        {**said, "author": "ann", "amount": 60, "submitted_at": "2024-11-11", "category": "best_case"},
    ]
    with published(
        scoring__revenue_forecast_quantiles=quantiles,
        planning__targets=[{**target, **WHOSE[0]}, {**target, **WHOSE[2]}], planning__forecast_submissions=people,
    ) as conn:  # fmt: skip
        named = "select * from marts.target_attainment where segment_id = 'A' or owner_id is not null"
        rows = {row["owner_id"]: row for row in records(conn, named)}
        latest = records(conn, "select amount from marts.forecast_submissions where is_latest and category = 'commit'")
    segment, owner = rows[None], rows["o1"]
    assert [segment[f"{name}_amount"] for name in ("p10", "p50", "p90", "mean")] == [10, 20, 30, 21]
    assert segment["target_probability"] == pytest.approx(0.3) and segment["mean_above_target_amount"] == -4
    # What was said after the as-of date is not known.
    assert (segment["submitted_amount"], segment["override_amount"]) == (28, 22)
    assert sorted(row["amount"] for row in latest) == [22, 28]
    assert (segment["fiscal_year"], segment["fiscal_quarter"]) == (2024, 4)
    assert owner["target_probability"] is None and owner["submitted_amount"] is None
