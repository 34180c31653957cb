"""Scenarios of the simulated company: the marts' own figures where nothing changes, and a bounded time."""

import time

FIGURES = "period_start_on, baseline_amount, projected_amount, {}"
NAMES = ("p10", "p50", "p90")
PUBLISHED = """
select totals.month_start_on, totals.mean_amount, totals.mean_amount, periods.p10_amount, periods.p50_amount,
    periods.p90_amount
from marts.revenue_forecast_monthly_total as totals
inner join marts.revenue_forecast_periods as periods
    on totals.month_start_on = periods.period_start_on
    and periods.period_type = 'month'
    and periods.segment_id = '(all)'
order by 1
"""


def test_no_change_is_what_the_marts_say(company):
    with company.connect("reader") as conn:
        published = conn.execute(PUBLISHED).fetchall()
        for kind in ("baseline", "projected"):
            columns = FIGURES.format(", ".join(f"{kind}_{name}_amount" for name in NAMES))
            query = f"select {columns} from metrics.scenario() where period_type = 'month' order by 1"
            assert conn.execute(query.encode()).fetchall() == published
        [(horizon, total)] = conn.execute(
            "select baseline_amount, (select sum(mean_amount) from marts.revenue_forecast_monthly)"
            " from metrics.scenario() where period_type = 'horizon'"
        ).fetchall()
    assert len(published) == 13 and horizon == total > 0


def test_more_deals_are_more_in_every_segment_and_soon_known(company):
    with company.connect("reader") as conn:
        began = time.perf_counter()
        rows = conn.execute(
            "select segment_id, baseline_amount, projected_amount, baseline_p10_amount, projected_p10_amount"
            " from metrics.scenario_by_segment('{\"(all)\": {\"pipeline_growth\": 0.2}}') where period_type = 'horizon'"
        ).fetchall()
        seconds = time.perf_counter() - began
    assert len(rows) > 2 and seconds < 3
    for _, before, after, low_before, low_after in rows:
        assert before <= after <= 1.2 * float(before) + 1 and low_before <= low_after
