"""The bridge of the public subscription periods, month by month, against a calculation straight from the file."""

import csv
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from reckoned_days import month_ends

from revlayer import dbt
from revlayer.importing import import_mapping

MAPPING = Path(__file__).parents[3] / "mappings" / "mrr_playbook.yml"
FILE = "subscription_periods.csv"
AS_OF = date(2020, 2, 29)
MONTHS = month_ends(date(2017, 9, 1), AS_OF)
MOVEMENTS = ("new", "expansion", "reactivation", "contraction", "churn")

BRIDGE = """
    with moved as (
        select month_start_on, movement, sum(movement_amount) as amount from marts.fct_mrr_movements group by 1, 2
    ),
    closed as (select month_start_on, sum(mrr_amount) as amount from marts.fct_mrr_monthly group by 1)
    select month_start_on, coalesce(closed.amount, 0), coalesce(jsonb_object_agg(moved.movement, moved.amount)
        filter (where moved.movement is not null), '{}')
    from intermediate.int_mrr_months left join closed using (month_start_on) left join moved using (month_start_on)
    group by month_start_on, closed.amount order by month_start_on"""


@pytest.fixture(scope="module")
def playbook(make_database, test_data, tmp_path_factory):
    database = make_database("playbook")
    with database.connect("loader") as conn:
        summary = import_mapping(conn, MAPPING, test_data / "mrr_playbook")
        conn.commit()
    assert (summary.read_count, summary.rejected_count) == (3 * 121, 0)
    dbt.run(
        database.settings,
        [
            "build",
            "--select",
            "+fct_mrr_movements",
            "+fct_mrr_movements_reporting",
            "+fct_mrr_movements_daily",
            "+mrr_bridge",
            "+mrr_bridge_reporting",
            "+cohort_retention",
        ],
        {"as_of_date": AS_OF.isoformat(), "calendar_start_on": "2017-01-01"},
        target_path=tmp_path_factory.mktemp("target"),
    )
    return database


@pytest.fixture(scope="module")
def periods(test_data) -> list[dict[str, str]]:
    with (test_data / "mrr_playbook" / FILE).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _paid(periods, day: date) -> dict[str, Decimal]:
    """Amount of each customer on a day, by the file."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in periods:
        ends = row["end_date"]
        if row["start_date"] <= day.isoformat() and (not ends or day.isoformat() < ends):
            found["mrr_playbook:" + row["customer_id"]] += Decimal(row["monthly_amount"])
    return {customer: amount for customer, amount in found.items() if amount}


def _bridge(periods) -> dict[date, tuple[Decimal, dict[str, Decimal]]]:
    bridge, before, ever = {}, {}, set()
    for start, end in MONTHS:
        after, moved = _paid(periods, end), defaultdict(Decimal)
        for customer in {*before, *after}:
            old, new = before.get(customer, Decimal(0)), after.get(customer, Decimal(0))
            if not old:
                moved["reactivation" if customer in ever else "new"] += new
            elif not new:
                moved["churn"] -= old
            elif new != old:
                moved["expansion" if new > old else "contraction"] += new - old
        bridge[start] = (sum(after.values(), Decimal(0)), dict(moved))
        before, ever = after, ever | set(after)
    return bridge


def test_the_bridge_has_every_month_and_is_that_of_the_file(playbook, periods):
    with playbook.connect("transformer") as conn:
        found = conn.execute(BRIDGE).fetchall()
    bridge = {month: (closing, {name: Decimal(str(amount)) for name, amount in moved.items()})
              for month, closing, moved in found}  # fmt: skip
    assert [month for month, _ in MONTHS] == list(bridge)
    assert len(bridge) == 30
    assert bridge == _bridge(periods)
    # Every kind of movement is among them.
    assert {name for _, moved in bridge.values() for name in moved} == set(MOVEMENTS)


def test_the_published_bridges_are_that_of_the_file(playbook, periods):
    columns = ", ".join(f"sum({name}_amount)" for name in ("opening", *MOVEMENTS, "closing"))
    expected, opening = [], Decimal(0)
    for month, (closing, moved) in _bridge(periods).items():
        expected.append((month, opening, *(moved.get(name, Decimal(0)) for name in MOVEMENTS), closing))
        opening = closing
    with playbook.connect("reader") as conn:
        for table in ("mrr_bridge", "mrr_bridge_reporting"):
            query = f"select month_start_on, {columns} from marts.{table} group by month_start_on order by 1"
            assert conn.execute(query.encode()).fetchall() == expected


def test_cohorts_are_those_of_the_file(playbook, periods):
    first: dict[str, int] = {}
    paid = [_paid(periods, end) for _, end in MONTHS]
    for number, amounts in enumerate(paid):
        first |= {customer: number for customer in amounts if customer not in first}
    expected = {}
    for cohort, (month, _) in enumerate(MONTHS):
        own = {customer for customer in first if first[customer] == cohort}
        for number in range(cohort, len(MONTHS)):
            left = [paid[number][customer] for customer in own if customer in paid[number]]
            expected[month, number - cohort] = (len(own), len(left), sum(left, Decimal(0)))
    query = """
        select cohort_month_on, months_since, opening_customer_count, paying_customer_count, closing_amount
        from marts.cohort_retention where segment_id = '(all)'"""
    with playbook.connect("reader") as conn:
        assert {row[:2]: row[2:] for row in conn.execute(query).fetchall()} == expected


def test_opening_and_movements_make_every_closing(playbook):
    with playbook.connect("transformer") as conn:
        found = conn.execute(BRIDGE).fetchall()
    opening = Decimal(0)
    for _, closing, moved in found:
        opening += sum((Decimal(str(amount)) for amount in moved.values()), Decimal(0))
        assert opening == closing


def test_days_are_those_of_the_file(playbook, periods):
    with playbook.connect("reader") as conn:
        daily = dict(
            conn.execute(
                "select moved_on, sum(movement_amount) from marts.fct_mrr_movements_daily group by 1"
            ).fetchall()
        )
    day, total = date(2017, 1, 1), Decimal(0)
    while day <= AS_OF:
        total += daily.get(day, Decimal(0))
        assert total == sum(_paid(periods, day).values(), Decimal(0)), day
        day += timedelta(days=1)


def test_one_currency_has_no_fx(playbook):
    query = """
        select count(*) filter (where movement = 'fx'), sum(movement_reporting_amount)
            - (select sum(movement_amount) from marts.fct_mrr_movements)
        from marts.fct_mrr_movements_reporting"""
    with playbook.connect("reader") as conn:
        assert conn.execute(query).fetchone() == (0, Decimal("0.00"))
