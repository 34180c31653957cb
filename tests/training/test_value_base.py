"""Where the value of a deal without an amount starts from."""

from dataclasses import replace

import numpy as np
import pytest

from revlayer_training.deal_value import fit_deal_value
from revlayer_training.export import run
from revlayer_training.value_base import LIST_VALUE, MEDIAN, ValueBase, ValueRatios


@pytest.fixture
def won(make_history):
    data, _ = make_history(deals=3000)
    return data.take(data.won_amount > 0)


def _with(data, **numbers):
    changed = {name: np.asarray(column, np.float32) for name, column in numbers.items()}
    return replace(data, numbers={**data.numbers, **changed})


def _listed_at(data, ratio, spread, seed=3):
    noise = np.exp(np.random.default_rng(seed).normal(0, spread, len(data)))
    return _with(data, list_value_reporting=data.won_amount / ratio * noise)


def test_a_list_that_tells_what_is_won_is_used_at_its_usual_ratio(won):
    base = ValueBase.fit(_listed_at(won, 0.02, 0.1), 1000)
    assert base.list_factor == pytest.approx(0.02, rel=0.05)
    bare = _with(_listed_at(won, 0.02, 0.1), amount_reporting=np.full(len(won), np.nan))
    assert np.all(base.source(bare) == LIST_VALUE)
    assert np.median(base.predict(bare) / won.won_amount) == pytest.approx(1.0, rel=0.05)


def test_a_list_that_tells_nothing_is_left_to_the_median(won):
    rng = np.random.default_rng(5)
    told = _with(won, list_value_reporting=np.exp(rng.normal(3, 3, len(won))))
    base = ValueBase.fit(told, 1000)
    bare = _with(told, amount_reporting=np.full(len(won), np.nan))
    assert base.list_factor == 0.0 and np.all(base.source(bare) == MEDIAN)


def test_a_few_deals_without_an_amount_learn_from_all(won):
    """Ten of them are too few to tell what a list value comes to: taken as it is it would be fifty times too high."""
    listed = _listed_at(won, 0.02, 0.5)
    amount = listed.numbers["amount_reporting"].copy()
    amount[:] = listed.won_amount
    amount[:10] = np.nan
    data = _with(listed, amount_reporting=amount)
    base = ValueBase.fit(data, 1000)
    ratios = ValueRatios.fit(base, data)
    predicted = base.predict(data)[:10] * ratios.mean[LIST_VALUE]
    assert predicted.sum() == pytest.approx(data.won_amount[:10].sum(), rel=0.5)
    assert ratios.low[LIST_VALUE] < 1 < ratios.high[LIST_VALUE]


def test_values_of_deals_without_an_amount_add_up_to_what_was_won(make_history):
    data, cutoff = make_history(deals=4000)
    outcome = fit_deal_value(data, cutoff)
    bare = (
        np.isnan(data.numbers["amount_reporting"]) & (data.won_amount > 0) & (data.as_of < np.datetime64(cutoff) - 400)
    )
    served = run(outcome.served, data)["value"][:, 0]
    assert served[bare].sum() == pytest.approx(data.won_amount[bare].sum(), rel=0.25)
