"""P(alive), expected purchases and their value in SQL against an integration of their own, at all sizes."""

import math
import warnings

import purchase_expectations
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1

several = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = ("repeat_count", "recency", "age", "r", "alpha", "a", "b")
PUBLISHED = (0.243, 4.414, 0.793, 2.426)


def logarithmic(low: float, high: float) -> st.SearchStrategy[float]:
    """Every order of magnitude alike."""
    return st.floats(math.log(low), math.log(high)).map(math.exp)


@st.composite
def histories(draw: st.DrawFn, extreme: bool) -> tuple[float, ...]:
    """Repeats, recency, age and the four parameters."""
    low, high, most = (1e-4, 1e4, 100_000) if extreme else (0.05, 20.0, 60)
    age = draw(logarithmic(0.01, 2000))
    repeats = float(draw(st.integers(0, 3) | st.integers(0, most)))
    recency = age * draw(st.floats(0, 1)) if repeats else 0.0
    return (repeats, recency, age, *(draw(logarithmic(low, high)) for _ in range(4)))


def near(found: float, wanted: float) -> bool:
    return found == pytest.approx(wanted, rel=1e-6, abs=1e-200)


@pytest.mark.identity
@pytest.mark.parametrize("extreme", [False, True], ids=["usual", "extreme"])
@given(data=st.data())
@several
def test_alive_probability_is_the_models(call, data, extreme):
    history = data.draw(histories(extreme))
    found = call("purchase_alive_probability", **dict(zip(NAMES, history, strict=True)))
    wanted = purchase_expectations.alive_probability(*history)
    assert found["purchase_alive_probability"] == pytest.approx(wanted, rel=1e-6, abs=1e-9)


@pytest.mark.identity
@pytest.mark.parametrize("extreme", [False, True], ids=["usual", "extreme"])
@given(data=st.data())
@several
def test_expected_purchases_are_the_models(call, data, extreme):
    history = data.draw(histories(extreme))
    horizon = data.draw(logarithmic(1e-3, 1e4))
    found = call("expected_purchases", horizon=horizon, **dict(zip(NAMES, history, strict=True)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # quad's note that it reached its own precision
        wanted = purchase_expectations.expected_purchases(horizon, *history)
    assert near(found["expected_purchases"], wanted)


def test_weights_that_fall_below_the_smallest_number_are_nothing(call):
    """Who almost surely leaves after every purchase, over a long horizon."""
    history, horizon = (0.0, 0.0, 1.0, math.exp(2), math.exp(7), math.exp(9), 1.0), math.exp(8)
    found = call("expected_purchases", horizon=horizon, **dict(zip(NAMES, history, strict=True)))
    assert near(found["expected_purchases"], purchase_expectations.expected_purchases(horizon, *history))


@given(repeats=st.integers(0, 30), age=st.floats(5, 60), share=st.floats(0.1, 1), horizon=st.floats(1, 52))
@example(repeats=2, age=38.86, share=30.43 / 38.86, horizon=39.0)
@several
def test_expected_purchases_equal_the_published_formula(call, repeats, age, share, horizon):
    """Equation 10 of the paper with scipy's hypergeometric function, where that one is sound."""
    r, alpha, a, b = PUBLISHED
    recency = age * share if repeats else 0.0
    z = horizon / (alpha + age + horizon)
    series = hyp2f1(r + repeats, b + repeats, a + b + repeats - 1, z)
    kept = ((alpha + age) / (alpha + age + horizon)) ** (r + repeats)
    wanted = (a + b + repeats - 1) / (a - 1) * (1 - kept * series)
    wanted *= purchase_expectations.alive_probability(repeats, recency, age, *PUBLISHED)
    history = dict(zip(NAMES, (repeats, recency, age, *PUBLISHED), strict=True))
    assert near(call("expected_purchases", horizon=horizon, **history)["expected_purchases"], wanted)


def test_both_ways_of_summing_meet(call):
    """The series up to four times the age, the integral beyond: no step between them."""
    history = dict(zip(NAMES, (3.0, 20.0, 30.0, *PUBLISHED), strict=True))
    edge = 4 * (PUBLISHED[1] + 30.0)
    below, above = (
        call("expected_purchases", horizon=edge * factor, **history)["expected_purchases"]
        for factor in (1 - 1e-10, 1 + 1e-10)
    )
    assert above == pytest.approx(below, rel=1e-8)


@pytest.mark.parametrize(
    "changed",
    [
        {"repeat_count": -1}, {"repeat_count": 1.5}, {"repeat_count": None}, {"recency": 31}, {"recency": -1},
        {"age": None}, {"age": math.nan}, {"age": math.inf}, {"r": 0}, {"alpha": -1}, {"a": 0}, {"b": None},
        {"b": math.nan}, {"r": 1e7},
    ],
)  # fmt: skip
def test_impossible_inputs_give_null(call, changed):
    history = dict(zip(NAMES, (2.0, 20.0, 30.0, *PUBLISHED), strict=True)) | changed
    assert call("purchase_alive_probability", **history) == {"purchase_alive_probability": None}
    assert call("expected_purchases", horizon=39, **history) == {"expected_purchases": None}


@pytest.mark.parametrize(("horizon", "wanted"), [(None, None), (-1, None), (math.nan, None), (math.inf, None), (0, 0)])
def test_horizons_out_of_range(call, horizon, wanted):
    history = dict(zip(NAMES, (2.0, 20.0, 30.0, *PUBLISHED), strict=True))
    assert call("expected_purchases", horizon=horizon, **history) == {"expected_purchases": wanted}


def test_without_a_repeat_the_customer_is_alive(call):
    history = dict(zip(NAMES, (0.0, 0.0, 30.0, *PUBLISHED), strict=True))
    assert call("purchase_alive_probability", **history) == {"purchase_alive_probability": 1.0}


@pytest.mark.parametrize(
    ("count", "mean", "parameters", "wanted"),
    [
        (0, None, (6.25, 3.74, 15.45), 6.25 * 15.45 / 2.74),
        (1, 30.0, (6.25, 3.74, 15.45), 6.25 * 45.45 / 8.99),
        (10, 0.0, (6.25, 3.74, 15.45), 6.25 * 15.45 / 65.24),
        (0, None, (6.25, 0.9, 15.45), None),
        (1, None, (6.25, 3.74, 15.45), None),
        (1, -5.0, (6.25, 3.74, 15.45), None),
        (-1, 5.0, (6.25, 3.74, 15.45), None),
        (2, 5.0, (0.0, 3.74, 15.45), None),
    ],
)
def test_expected_purchase_value(call, count, mean, parameters, wanted):
    p, q, gamma = parameters
    found = call("expected_purchase_value", purchase_count=count, mean_value=mean, p=p, q=q, gamma=gamma)
    assert found["expected_purchase_value"] == (None if wanted is None else pytest.approx(wanted, rel=1e-12))
