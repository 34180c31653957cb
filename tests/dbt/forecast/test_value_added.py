"""Who forecast better, reckoned in fractions: only what was said by then counts, beside naive on the same months."""

from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import records

DATES = (date(2024, 6, 30), date(2024, 7, 31), date(2024, 8, 31))
MONTHS = (date(2024, 7, 1), date(2024, 8, 1), date(2024, 9, 1))
SEGMENTS = ("(all)", "A")
PREDICTORS = ("model", "naive", "crm_probability")
amounts = st.integers(0, 900)
figures = st.fixed_dictionaries({
    "kind": st.sampled_from(["submission", "override"]), "category": st.sampled_from(["commit", "best_case"]),
    "period_start_on": st.sampled_from(MONTHS), "segment_id": st.sampled_from(SEGMENTS),
    "author": st.sampled_from(["ann", "bob"]), "amount": amounts,
    "submitted_at": st.dates(date(2024, 6, 1), date(2024, 10, 5)), "owner_id": st.sampled_from([None, None, None, "o"]),
}).map(lambda row: row | {"segment_id": "(all)"} if row["owner_id"] else row)  # fmt: skip
KEY = ("kind", "category", "period_start_on", "segment_id", "author", "submitted_at", "owner_id")
histories = st.fixed_dictionaries({
    "cells": st.dictionaries(
        st.tuples(st.sampled_from(DATES), st.sampled_from(MONTHS), st.sampled_from(SEGMENTS)).filter(
            lambda key: key[1] > key[0]
        ),
        st.tuples(amounts, amounts, amounts, amounts), max_size=8,
    ),
    "said": st.lists(figures, max_size=12, unique_by=lambda row: tuple(row[name] for name in KEY)),
})  # fmt: skip


def _backtests(cells):
    return [
        {"as_of_date": as_of, "month_start_on": month, "segment_id": segment, "predictor": predictor,
         "months_ahead": month.month - as_of.month, "forecast_amount": amount, "actual_amount": actual}
        for (as_of, month, segment), (actual, *said) in cells.items()
        for predictor, amount in zip(PREDICTORS, said, strict=True)
    ]  # fmt: skip


def _submissions(said):
    return [{"currency_code": "USD", "entered_at": "2024-11-01", **row} for row in said]


def _expected(cells, said):
    """By predictor, category, author, segment and months ahead: the errors, and those of naive and the model."""
    errors = defaultdict(list)
    for (as_of, month, segment), (actual, *amounts_said) in cells.items():
        forecasts = {(name, None, None): amount for name, amount in zip(PREDICTORS, amounts_said, strict=True)}
        for row in sorted(said, key=lambda row: row["submitted_at"]):
            is_of_it = (row["period_start_on"], row["segment_id"], row["owner_id"]) == (month, segment, None)
            if is_of_it and row["submitted_at"] <= as_of:
                forecasts[row["kind"], row["category"], row["author"]] = row["amount"]
        model, naive = amounts_said[:2]
        for who, amount in forecasts.items():
            key = (*who, segment, month.month - as_of.month)
            errors[key].append((amount - actual, naive - actual, model - actual, actual))
    return errors


@pytest.mark.identity
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_value_added_is_what_the_errors_say(published, history):
    cells, said = history["cells"], history["said"]
    tables = {"scoring__forecast_backtests": _backtests(cells), "planning__forecast_submissions": _submissions(said)}
    with published(**tables) as conn:
        rows = records(conn, "select * from marts.forecast_value_added")
    found = {tuple(row[name] for name in ("predictor", "category", "author", "segment_id", "months_ahead")): row
             for row in rows}  # fmt: skip
    expected = _expected(cells, said)
    assert found.keys() == expected.keys()
    for key, errors in expected.items():
        row = found[key]
        own, naive, model = (sum(abs(error[place]) for error in errors) for place in range(3))
        assert (row["origin"], row["forecast_count"]) == ("backtest", len(errors))
        assert (row["absolute_error_amount"], row["naive_absolute_error_amount"]) == (own, naive)
        assert (row["value_added_amount"], row["value_added_to_model_amount"]) == (naive - own, model - own)
        actual = sum(error[3] for error in errors)
        rates = (row["value_added_rate"], row["wape_rate"])
        wanted = (Fraction(naive - own, actual), Fraction(own, actual)) if actual else (None, None)
        assert rates == tuple(None if rate is None else pytest.approx(float(rate)) for rate in wanted)
        assert row["entered_later_count"] == (len(errors) if key[2] else 0)
        assert row["entered_afterwards_count"] == (len(errors) if key[2] else 0)
    assert all(row["value_added_amount"] == 0 for row in rows if row["predictor"] == "naive")


def _entry(number, as_of, published_at):
    return {
        "ledger_id": number, "run_id": number, "as_of_date": as_of, "horizon_months": 12, "fiscal_start_month": 1,
        "draw_count": 1, "seed": 0, "past_as_of_dates": "{}", "reporting_currency_code": "USD", "open_deal_count": 0,
        "open_amount": 0, "closed_deal_count": 0, "won_amount": 0, "figure_count": 3, "figures_sha256": "",
        "software": "", "code_sha256": "", "published_at": published_at,
    }  # fmt: skip


def _figures(number, month, mean, naive):
    names = ("closed", "open_mean", "created_mean", "p10", "p50", "p90", "stage_weighted", "crm_probability",
             "seasonal_naive")  # fmt: skip
    zeros = {f"{name}_amount": 0 for name in names}
    return {"ledger_id": number, "month_start_on": month, "segment_id": "A", "mean_amount": mean,
            "naive_amount": naive, **zeros}  # fmt: skip


def test_published_forecasts_count_for_months_not_over_when_they_were_published(published):
    end, after = date(2024, 7, 31), date(2024, 9, 1)
    entries = [(1, end, end), (2, end, end), (3, end, after), (4, end - timedelta(days=7), end)]
    deal = {"deal_id": "D", "segment_id": "A", "is_won": True, "is_open": False, "closed_on": date(2024, 8, 9),
            "reporting_amount": 100}  # fmt: skip
    with published(
        planning__forecast_ledger=[_entry(*entry) for entry in entries],
        planning__forecast_ledger_figures=[
            _figures(number, month, 100 + number, 90)
            for number, *_ in entries
            for month in (date(2024, 7, 1), date(2024, 8, 1), date(2024, 11, 1))
        ],
        marts__fct_deals=[deal],
    ) as conn:
        rows = records(conn, "select * from marts.forecast_comparisons where predictor = 'model' order by as_of_date")
        added = records(conn, "select * from marts.forecast_value_added where predictor = 'model' and months_ahead = 1")
    said = [(row["as_of_date"], row["period_start_on"].month, row["forecast_amount"]) for row in rows]
    # At the end of July, July is over; the third forecast came when August was; November is not over yet.
    assert sorted(said) == [(date(2024, 7, 24), 7, 104), (date(2024, 7, 24), 8, 104), (end, 8, 102)]
    assert [row["actual_amount"] for row in rows if row["period_start_on"].month == 8] == [100, 100]
    assert [(row["origin"], row["forecast_count"], row["value_added_amount"]) for row in added] == [("ledger", 2, 14)]


def test_a_currency_without_a_rate_is_no_forecast(published):
    cells = {(DATES[0], MONTHS[0], "A"): (10, 5, 8, 9)}
    said = _submissions([{"category": "commit", "period_start_on": MONTHS[0], "segment_id": "A", "amount": 1,
                          "author": "ann", "submitted_at": DATES[0]}])  # fmt: skip
    said[0]["currency_code"] = "CHF"
    with published(scoring__forecast_backtests=_backtests(cells), planning__forecast_submissions=said) as conn:
        assert records(conn, "select * from marts.forecast_comparisons where author is not null") == []
        [row] = records(conn, "select * from marts.forecast_submissions")
    assert row["amount"] == 1 and row["reporting_amount"] is None and row["is_entered_afterwards"]


def test_backdating_within_a_period_is_shown(published):
    """Said on the last of July and entered at the end of August, when August was not over."""
    cells = {(date(2024, 7, 31), MONTHS[1], "(all)"): (10, 5, 8, 9)}
    said = [
        {"category": "commit", "period_start_on": MONTHS[1], "amount": 10, "currency_code": "USD", "author": author,
         "submitted_at": "2024-07-31T12:00Z", "entered_at": entered_at}
        for author, entered_at in (("ann", "2024-07-31T20:00Z"), ("bob", "2024-08-29T08:00Z"))
    ]  # fmt: skip
    with published(scoring__forecast_backtests=_backtests(cells), planning__forecast_submissions=said) as conn:
        rows = records(conn, "select * from marts.forecast_submissions order by author")
        added = records(conn, "select * from marts.forecast_value_added where author is not null order by author")
    assert [(row["entered_days_later"], row["is_entered_later"]) for row in rows] == [(0, False), (29, True)]
    assert not any(row["is_entered_afterwards"] for row in rows)
    assert [(row["entered_later_count"], row["entered_afterwards_count"]) for row in added] == [(0, 0), (1, 0)]
