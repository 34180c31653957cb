"""From deals to cash: amounts are neither made nor lost, and each stage is what a ledger of single months says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from revlayer_udf.cash.chain import (
    ALL,
    ISSUED,
    NEW,
    RUNNING,
    STAGES,
    Bookings,
    Contracts,
    Flow,
    billed_again,
    chain,
    collected,
    earned,
    follow,
)

MONTHS = 8
AMOUNTS = st.lists(st.floats(0, 1e6), min_size=MONTHS, max_size=MONTHS).map(np.array)
PERIODS = st.sampled_from([1, 3, 6, 12, 24])
SHARES = st.dictionaries(PERIODS, st.floats(0.01, 1), max_size=3).map(
    lambda found: {period: share / sum(found.values()) for period, share in found.items()}
)
NOTHING = np.zeros(MONTHS)


def certain(amounts):
    return Flow(amounts, np.broadcast_to(amounts, (5, MONTHS)))


def run(bookings=NOTHING, renewals=None, won=None, kept=1.0, scheduled=NOTHING, cash=NOTHING, collection=None):
    share = kept ** np.arange(1, MONTHS + 1)
    first = np.eye(1, MONTHS)[0] if collection is None else collection
    contracts = Contracts(renewals or {}, np.array([kept]), won or {})
    return chain(certain(bookings), contracts, certain(share), scheduled, certain(cash), first)


@pytest.mark.identity
@given(bookings=AMOUNTS, renewals=st.dictionaries(PERIODS, AMOUNTS, max_size=3), won=SHARES,
       kept=st.floats(0.5, 1), scheduled=AMOUNTS, cash=AMOUNTS)  # fmt: skip
def test_parts_add_up_in_every_stage_and_month(bookings, renewals, won, kept, scheduled, cash):
    found = run(bookings, renewals, won, kept, scheduled, cash)
    for stage in STAGES:
        parts = [flow for (name, part), flow in found.items() if name == stage and part != ALL]
        assert sum(flow.mean for flow in parts) == pytest.approx(found[stage, ALL].mean)
        assert sum(flow.paths for flow in parts) == pytest.approx(found[stage, ALL].paths)
        # Certain courses come to the mean.
        assert found[stage, ALL].paths[3] == pytest.approx(found[stage, ALL].mean)


@pytest.mark.identity
@given(value=st.floats(1, 1e6), month=st.integers(0, MONTHS - 1), won=SHARES)
def test_a_deal_is_billed_in_equal_parts_over_a_year(value, month, won):
    bookings = np.where(np.arange(MONTHS) == month, value, 0.0)
    billed = run(bookings, won=won)["billings", NEW].mean
    wanted = NOTHING.copy()
    for period, share in (won or {12: 1.0}).items():
        dates = range(month, month + 12, min(period, 12))
        for date in dates:
            if date < MONTHS:
                wanted[date] += value * share / len(dates)
    assert billed == pytest.approx(wanted)


@pytest.mark.identity
@given(amount=st.floats(1, 1e6), month=st.integers(0, MONTHS - 1), period=PERIODS, kept=st.floats(0.5, 1))
def test_a_contract_is_billed_again_and_shrinks(amount, month, period, kept):
    first = np.where(np.arange(MONTHS) == month, amount, 0.0)
    billed = run(renewals={period: first}, kept=kept)["billings", RUNNING].mean
    wanted = [amount * kept ** (m + 1) if m >= month and (m - month) % period == 0 else 0.0 for m in range(MONTHS)]
    assert billed == pytest.approx(wanted)


@pytest.mark.parametrize("period", [1, 3, 12])
def test_an_invoice_is_earned_whole_within_its_period(period):
    shares = earned(period)
    assert shares.sum() == pytest.approx(1) and len(shares) == period + 1
    assert shares[0] == pytest.approx(shares[-1]) and (shares[1:-1] == pytest.approx(2 * shares[0]))


def test_monthly_invoices_that_go_on_are_earned_as_they_are_billed():
    found = run(renewals={1: np.where(np.arange(MONTHS) == 0, 100.0, 0.0)})
    assert found["billings", RUNNING].mean == pytest.approx(np.full(MONTHS, 100.0))
    assert found["revenue", RUNNING].mean[1:] == pytest.approx(np.full(MONTHS - 1, 100.0))


@pytest.mark.parametrize(("terms", "location", "scale"), [(30, 0, 5), (14, 20, 3), (0, -3, 8), (60, 5, 20)])
def test_collection_is_the_law_over_days_of_issue(terms, location, scale):
    length = 365.25 / 12

    def paid(day):
        survival = [1 / (1 + np.exp((at + 0.5 - location) / scale)) for at in (max(day - terms, -terms), -terms)]
        return 1 - survival[0] / survival[1]

    wanted = [
        quad(lambda issued, end=month: paid(end * length - issued), 0, length)[0] / length for month in range(1, 7)
    ]
    assert np.cumsum(collected(terms, location, scale, 6)) == pytest.approx(wanted, abs=0.01)


def test_without_a_law_all_is_paid_on_the_due_date():
    shares = collected(30.0, 0.0, 0.0, 4)
    assert shares.sum() == pytest.approx(1) and shares[0] < 0.05 and shares[2:] == pytest.approx([0, 0])


def test_what_exists_is_scheduled_and_paid_as_it_is_known():
    found = run(scheduled=np.arange(MONTHS, dtype=float), cash=np.full(MONTHS, 7.0))
    assert found["revenue", ISSUED].mean.tolist() == list(range(MONTHS))
    assert found["cash", ALL].mean.tolist() == [7.0] * MONTHS
    assert ("billings", ISSUED) not in found


@pytest.mark.parametrize("correlation", [0.0, 0.5, 1.0])
def test_courses_of_bookings_have_their_quantiles(correlation):
    levels = np.array([0.01, 0.1, 0.5, 0.9, 0.99])
    held = np.linspace(100, 200, MONTHS)[:, None] * np.array([0.0, 0.6, 1.0, 1.5, 3.0])
    paths = Bookings(held[:, 2], levels, held, correlation).draw(40_000, np.random.default_rng(1))
    assert np.quantile(paths, levels[1:4], axis=0) == pytest.approx(held[:, 1:4].T, rel=0.01)
    assert paths.min() == 0 and (paths <= held[:, -1]).all()
    ranks = paths.argsort(axis=0).argsort(axis=0)
    # Of normal numbers that correlate so, ranks do by 6 / pi x asin(correlation / 2).
    wanted = 6 / np.pi * np.arcsin(correlation / 2)
    assert np.corrcoef(ranks[:, 0], ranks[:, 5])[0, 1] == pytest.approx(wanted, abs=0.03)
    assert (Bookings(NOTHING, levels, 0 * held, correlation).draw(10, np.random.default_rng(1)) == 0).all()


def test_uncertain_bookings_widen_what_follows():
    level = np.full(MONTHS, 100.0)
    held = level[:, None] * np.array([0.0, 0.5, 1.0, 1.5, 2.0])
    bookings = Bookings(level, np.array([0.0, 0.1, 0.5, 0.9, 1.0]), held, 0.2)
    flow = Flow(level, bookings.draw(4_000, np.random.default_rng(2)))
    contracts = Contracts({}, np.array([]), {1: 1.0})
    found = chain(flow, contracts, certain(np.ones(MONTHS)), NOTHING, Flow(NOTHING, np.zeros((4_000, MONTHS))),
                  collected(30, 5, 4, MONTHS))  # fmt: skip
    for stage in STAGES:
        low, high = found[stage, ALL].quantiles((0.1, 0.9))
        assert (high[3:] > low[3:]).all()
        assert found[stage, ALL].paths.mean(axis=0) == pytest.approx(found[stage, ALL].mean, rel=0.02, abs=0.5)


def test_retention_is_drawn_from_past_months():
    contracts = Contracts({}, np.array([0.9, 1.0]), {})
    paths = contracts.draw_kept(MONTHS, 30_000, np.random.default_rng(1))
    assert paths.mean(axis=0) == pytest.approx(contracts.mean_kept(MONTHS), rel=0.01)
    assert (np.diff(paths, axis=1) <= 0).all()
    assert Contracts({}, np.array([]), {}).mean_kept(3).tolist() == [1, 1, 1]


@pytest.mark.identity
@given(amounts=AMOUNTS, lag=st.integers(0, MONTHS - 1), period=PERIODS)
def test_following_moves_and_repeats(amounts, lag, period):
    shares = np.eye(1, MONTHS, lag)[0]
    assert follow(amounts, shares) == pytest.approx(np.concatenate([np.zeros(lag), amounts[: MONTHS - lag]]))
    wanted = [sum(amounts[m] for m in range(month % period, month + 1, period)) for month in range(MONTHS)]
    assert billed_again(amounts, period) == pytest.approx(wanted)
