"""Bridges, retention, cohorts and recurring revenue on any day, of random histories against a reckoning in Python."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from billing_histories import AS_OF, FIRST, subscription_histories
from compiled_models import compile_models
from hypothesis import HealthCheck, given, settings
from psycopg.rows import dict_row
from reckoned_days import month_ends
from recurring_reckoning import Reckoning
from retention_reckoning import Ledger, bridge, retention
from segment_reckoning import cohorts, keyed, segment_bridge

MONTHS = month_ends(FIRST - timedelta(days=31), AS_OF)
WINDOW = 4
GRAINS = {
    "mrr_bridge": ("month_start_on", "currency_code"),
    "mrr_bridge_reporting": ("month_start_on", "segment_id"),
    "retention_monthly": ("month_start_on", "breakdown", "segment_id", "cohort_month_on"),
    "retention_trailing": ("month_start_on", "breakdown", "segment_id", "cohort_month_on"),
    "cohort_retention": ("cohort_month_on", "months_since", "segment_id"),
}
#: Columns that are no figures.
LABELS = ("month_end_on", "month_start_on", "is_open", "reporting_currency_code", "window_months")
GAINS = ("new", "expansion", "reactivation", "contraction", "churn")
quiet = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def models(make_database, built, tmp_path_factory):
    return compile_models(
        make_database("retention", built),
        [*(f"+{name}" for name in GRAINS), "+mrr_spans", "exchange_rate_spans"],
        AS_OF.isoformat(),
        tmp_path_factory.mktemp("target"),
        {"calendar_start_on": "2023-09-01", "retention_window_months": WINDOW},
    )


class Found:
    """What the tables hold for a history."""

    def __init__(self, conn) -> None:
        self.conn = conn
        self.tables: dict[str, dict[Any, dict[str, Any]]] = {}
        with conn.cursor(row_factory=dict_row) as cursor:
            for name, grain in GRAINS.items():
                rows = cursor.execute(f"select * from marts.{name}").fetchall()
                self.tables[name] = keyed(rows, grain)
                assert len(self.tables[name]) == len(rows)
        self.monthly = conn.execute(
            "select customer_id, currency_code, month_start_on, segment_id, mrr_amount, arr_amount,"
            " mrr_reporting_amount, arr_reporting_amount, committed_mrr_amount from marts.fct_mrr_monthly"
        ).fetchall()

    def ledger(self, reckoning: Reckoning) -> Ledger:
        return Ledger(reckoning, MONTHS, {(row[0], row[2]): row[3] for row in self.monthly})


def _check_rows(name: str, found, expected) -> None:
    """Every row and every figure of it; nothing is missing and nothing is more."""
    assert set(found) == set(expected), name
    for key, row in found.items():
        for column, value in row.items():
            if column in GRAINS[name] or column in LABELS:
                continue
            wanted = expected[key].get(column, 0)
            if column == "arpa_amount" and wanted is not None:
                assert abs(float(value) - wanted) <= 0.0051, (name, key)
            else:
                assert value == wanted, (name, key, column)


def _committed(reckoning: Reckoning) -> dict[tuple[date, str], Decimal]:
    found: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for start, end in MONTHS:
        for item in reckoning.items:
            if (agreed := reckoning.committed(item, end)) and agreed[1]:
                found[start, agreed[0]["currency"]] += agreed[1]
    return found


def _check_bridges(found: Found, reckoning: Reckoning) -> None:
    ledger, committed = found.ledger(reckoning), _committed(reckoning)
    _check_rows("mrr_bridge", found.tables["mrr_bridge"], bridge(ledger, committed))
    begin = min((row[2] for row in found.monthly), default=None)
    expected = segment_bridge(ledger, {row[3] for row in found.monthly}, begin)
    rows = found.tables["mrr_bridge_reporting"]
    for row in rows.values():
        # Sums of columns that fct_mrr_monthly has as they are.
        row.pop("arr_amount"), row.pop("committed_mrr_amount")
    _check_rows("mrr_bridge_reporting", rows, expected)


def _check_bridges_add_up(found: Found) -> None:
    """Opening and movements make the closing, which opens the next month; segments add up to the company."""
    for name, more in (("mrr_bridge", ()), ("mrr_bridge_reporting", ("fx", "transfer"))):
        table, closings = found.tables[name], {}
        for (month, part), row in sorted(table.items()):
            moved = sum(row[f"{gain}_amount"] for gain in (*GAINS, *more))
            assert row["opening_amount"] + moved == row["closing_amount"]
            assert row["opening_amount"] == closings.get(part, 0), (name, month, part)
            closings[part] = row["closing_amount"]
    moved: dict[Any, Decimal] = defaultdict(Decimal)
    for (month, _), row in found.tables["mrr_bridge_reporting"].items():
        for gain in (*GAINS, "fx", "transfer", "closing"):
            moved[month, gain] += row[f"{gain}_amount"]
    published = found.conn.execute(
        "select month_start_on, movement, sum(movement_reporting_amount) from marts.fct_mrr_movements_reporting"
        " group by 1, 2"
    ).fetchall()
    whole = {(month, movement): amount for month, movement, amount in published}
    for row in found.monthly:
        whole[row[2], "closing"] = whole.get((row[2], "closing"), 0) + (row[6] or 0)
    assert {key: amount for key, amount in moved.items() if amount} == {key: one for key, one in whole.items() if one}


def _check_retention_is_bounded(found: Found) -> None:
    """GRR ≤ min(1, NRR); segments and cohorts add up to all."""
    for name in ("retention_monthly", "retention_trailing"):
        sums: dict[Any, Any] = defaultdict(lambda: defaultdict(Decimal))
        for (month, breakdown, _, _), row in found.tables[name].items():
            if row["grr_rate"] is not None:
                assert row["grr_rate"] <= min(1, row["nrr_rate"])
            for column, value in row.items():
                if column.endswith(("_amount", "_count")) and column != "arpa_amount":
                    sums[month, breakdown][column] += value
        for month, breakdown in sums:
            assert sums[month, breakdown] == sums[month, "all"], (name, month, breakdown)


def _check_any_day(found: Found, reckoning: Reckoning) -> None:
    days = sorted({end for _, end in MONTHS} | {FIRST + timedelta(days=37 * number) for number in range(11)})
    rows = found.conn.execute(
        "select day, on_day.* from unnest(%s::date[]) as day cross join lateral metrics.mrr_as_of(day) as on_day",
        [days],
    ).fetchall()
    expected: dict[Any, list[Any]] = {}
    for day in days:
        for terms, mrr, arr in reckoning.by_item(day).values():
            sums = expected.setdefault((day, terms["customer"], terms["currency"]), [Decimal(0)] * 4)
            reported = [reckoning.reported(amount, terms["currency"], day) for amount in (mrr, arr)]
            for place, amount in enumerate((mrr, arr, *reported)):
                sums[place] = None if amount is None else sums[place] + amount
    assert {row[:3]: list(row[3:]) for row in rows} == expected
    ends = dict(MONTHS)
    by_month = {(ends[row[2]], *row[:2]): list(row[4:8]) for row in found.monthly if row[4]}
    assert by_month == {key: amounts for key, amounts in expected.items() if key[0] in ends.values()}


@pytest.mark.identity
@quiet
@given(rows=subscription_histories(is_linked=True))
def test_bridges_and_retention_of_random_histories(models, rows):
    """Row by row as reckoned customer by customer; bridges chain and add up, retention is bounded."""
    reckoning = Reckoning(rows, AS_OF)
    with models.filled(rows) as conn:
        found = Found(conn)
        ledger = found.ledger(reckoning)
        _check_bridges_add_up(found)
        _check_bridges(found, reckoning)
        _check_retention_is_bounded(found)
        _check_rows("retention_monthly", found.tables["retention_monthly"], retention(ledger, 1, by_item=True))
        _check_rows("retention_trailing", found.tables["retention_trailing"], retention(ledger, WINDOW, by_item=False))
        _check_rows("cohort_retention", found.tables["cohort_retention"], cohorts(ledger))
        _check_any_day(found, reckoning)
