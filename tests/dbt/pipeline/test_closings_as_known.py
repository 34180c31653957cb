"""Closings of random histories as they were known on any day, against labels built on that day and a reckoning."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from billing_rows import AS_OF, LAST, History
from compiled_models import CompiledModels, compile_models
from deal_histories import days_of_interest, deal_histories, known_by
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_reckoning import PipelineReckoning

quiet = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
VARIABLES = {"calendar_start_on": "2023-09-01", "history_months": 2}
COLUMNS = "deal_id, segment_id, created_on, created_known_on, closed_on, closed_known_on, is_won, won_amount_reporting"
VALID = "known_from_on <= %(day)s and known_to_on > %(day)s"
OUTCOMES = f"select {COLUMNS} from features.lbl_deal_closings where {VALID} order by deal_id"
REMOVED = f"select deal_id, left_open_on from features.lbl_deal_removals where {VALID} order by deal_id"
LABELS = f"select {COLUMNS} from features.lbl_deals order by deal_id"
CUT = (
    "select deal_id, known_from_on, case when known_to_on <= %(day)s then known_to_on else '9999-12-31' end as until, "
    "{} from features.{} where known_from_on <= %(day)s order by 1, 2"
)
RELATIONS = {"lbl_deal_closings": COLUMNS, "lbl_deal_removals": "left_open_on"}


@pytest.fixture(scope="module")
def labelled(make_database, built, tmp_path_factory) -> CompiledModels:
    return compile_models(
        make_database("closings_as_known", built),
        ["+lbl_deals", "+lbl_deal_closings", "+lbl_deal_removals"],
        AS_OF.isoformat(),
        tmp_path_factory.mktemp("target"),
        VARIABLES,
    )


@st.composite
def histories(draw):
    """Histories of deals with rates that became known late or were withdrawn."""
    rows = draw(deal_histories())
    for rate in rows.get("exchange_rates", []):
        day = date.fromisoformat(rate["rate_on"])
        if draw(st.integers(0, 2)) == 2:
            day += timedelta(days=draw(st.integers(0, 200)))
            rate["recorded_at"] = History.at(min(day, LAST))
        if draw(st.integers(0, 3)) == 3:
            gone = day + timedelta(days=draw(st.integers(0, 200)))
            rate["deleted_at"] = History.at(min(gone, LAST))
    return rows


def _rate(rows, currency, day, known):
    """Of the rates for a day and earlier ones, known by another day and not withdrawn by then, that of the latest."""
    if currency == "USD":
        return 1.0
    found = []
    for row in rows.get("exchange_rates", []):
        told, gone = (str(row["recorded_at"] or row["occurred_at"])[:10], str(row["deleted_at"] or "9999")[:10])
        if row["rate_on"] <= day.isoformat() and told <= known.isoformat() < gone:
            is_direct = (row["from_currency_code"], row["to_currency_code"]) == (currency, "USD")
            if is_direct or (row["from_currency_code"], row["to_currency_code"]) == ("USD", currency):
                order = (row["rate_on"], is_direct, str(row["recorded_at"] or row["occurred_at"]), row["source_id"])
                found.append((order, row["rate"] if is_direct else 1 / row["rate"]))
    return max(found)[1] if found else None


def _amount(rows, state, closed_on, day):
    rate = _rate(rows, state.currency, closed_on, day)
    if state.status != "won" or state.amount is None or rate is None:
        return None
    return Decimal(format(float(state.amount) * rate, ".15g")).quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.identity
@quiet
@given(rows=histories())
def test_what_is_known_of_closings_on_any_day_is_that_of_the_reckoning(labelled, rows):
    reckoning = PipelineReckoning(rows, AS_OF)
    with labelled.filled(rows) as conn:
        assert conn.execute(OUTCOMES, {"day": AS_OF}).fetchall() == conn.execute(LABELS).fetchall()
        for day in [*days_of_interest(rows), AS_OF]:
            found = conn.execute(OUTCOMES, {"day": day}).fetchall()
            closed_on = {row[0]: row[4] for row in found}
            removed = [deal for deal, _ in conn.execute(REMOVED, {"day": day}).fetchall()]
            states = {
                deal: reckoning._state(told, day)
                for deal, every in reckoning.told.items()
                if (told := [one for one in every if one.day <= day])
            }
            expected = {deal: state for deal, state in states.items() if state.status in ("won", "lost")}
            assert set(closed_on) == set(expected) and len(found) == len(expected), day
            assert removed == sorted(deal for deal, state in states.items() if state.status in ("deleted", "merged"))
            for deal, *_, is_won, amount in found:
                state = expected[deal]
                assert (is_won, amount) == (state.status == "won", _amount(rows, state, closed_on[deal], day)), day


@pytest.mark.identity
@quiet
@given(rows=histories(), number=st.integers(0, 999))
def test_what_was_known_on_a_day_is_what_a_build_without_later_rows_gives(labelled, rows, number):
    days = days_of_interest(rows)
    day = days[number % len(days)]
    with labelled.filled(rows) as conn:
        known = {
            name: conn.execute(CUT.format(what, name), {"day": day}).fetchall() for name, what in RELATIONS.items()
        }
        outcomes = conn.execute(OUTCOMES, {"day": day}).fetchall()
        labelled.refill(known_by(rows, day))
        for name, what in RELATIONS.items():
            assert conn.execute(CUT.format(what, name), {"day": day}).fetchall() == known[name], name
        assert conn.execute(LABELS).fetchall() == outcomes
