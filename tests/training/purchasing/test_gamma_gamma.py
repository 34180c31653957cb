"""Gamma-Gamma: the published figures, recovery of known parameters, shrinkage, units, refunds."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from revlayer_training.purchasing import gamma_gamma
from revlayer_training.purchasing.gamma_gamma import GammaGamma

CUTOFF = 19970930


def test_published_parameters(test_data):
    """The mean of the repeat purchases, several on one day being one, of the 946 customers who have any."""
    rows = np.loadtxt(test_data / "cdnow" / "CDNOW_sample.txt", usecols=(1, 2, 4))
    rows = rows[rows[:, 1] <= CUTOFF]
    counts, means = [], []
    for customer in np.unique(rows[:, 0]):
        own = rows[rows[:, 0] == customer]
        later = own[own[:, 1] > own[:, 1].min()]
        days = len(np.unique(later[:, 1]))
        if days:
            counts.append(days)
            means.append(later[:, 2].sum() / days)
    assert len(counts) == 946
    found = GammaGamma.fit(np.array(counts, float), np.array(means))
    assert (found.p, found.q) == pytest.approx((6.25, 3.74), abs=0.005)
    assert found.gamma == pytest.approx(15.45, abs=0.01)


def simulated(customers: int, p: float, q: float, gamma: float, seed: int):
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 8, customers).astype(float)
    rate = rng.gamma(q, 1 / gamma, customers)
    return x, rng.gamma(p * x, 1 / (rate * x)), p / rate


def test_known_parameters_are_found_again():
    x, mean, expected = simulated(20_000, 5.0, 3.5, 20.0, seed=2)
    found = GammaGamma.fit(x, mean)
    assert (found.p, found.q, found.gamma) == pytest.approx((5.0, 3.5, 20.0), rel=0.08)
    own, forecast = np.mean((mean - expected) ** 2), np.mean((found.expected_value(x, mean) - expected) ** 2)
    assert forecast < own
    assert found.expected_value(x, mean).mean() == pytest.approx(expected.mean(), rel=0.02)


def test_gradient_is_that_of_the_likelihood():
    x, mean, _ = simulated(100, 5.0, 3.5, 20.0, seed=4)
    for parameters in ((5.0, 3.5, 20.0), (0.5, 1.2, 100.0)):
        error = check_grad(
            lambda values: gamma_gamma._negative(values, x, mean)[0],
            lambda values: gamma_gamma._negative(values, x, mean)[1],
            np.array(parameters),
        )
        assert error < 1e-4  # what finite differences leave of a sum near 400


def test_units_do_not_matter():
    """A currency of a thousand to one gives the same model in its own money."""
    x, mean, _ = simulated(3000, 5.0, 3.5, 20.0, seed=5)
    small, large = GammaGamma.fit(x, mean), GammaGamma.fit(x, mean * 1000)
    assert (large.p, large.q, large.gamma) == pytest.approx((small.p, small.q, small.gamma * 1000), rel=1e-4)
    assert large.log_likelihood == pytest.approx(small.log_likelihood - 3000 * np.log(1000), rel=1e-9)


def test_the_mean_is_drawn_to_that_of_all_and_less_so_with_purchases():
    model = GammaGamma(6.25, 3.74, 15.45)
    found = model.expected_value(np.array([0, 1, 10, 1000.0]), np.array([np.nan, 100.0, 100.0, 100.0]))
    assert found[0] == pytest.approx(model.population_mean)
    assert model.population_mean < found[1] < found[2] < found[3] < 100
    assert found[3] == pytest.approx(100, rel=0.01)


def test_refunds_above_purchases_count_as_nothing_spent():
    model = GammaGamma(6.25, 3.74, 15.45)
    refunded, nothing = model.expected_value(np.array([2.0, 2.0]), np.array([-50.0, 0.0]))
    assert refunded == nothing > 0


def test_no_mean_of_all_where_it_is_infinite():
    """With q below 1 the mean of all customers does not exist; the value stays finite and above zero."""
    found = GammaGamma(2.0, 0.5, 10.0).expected_value(np.array([0.0, 3.0]), np.array([0.0, 20.0]))
    assert np.all(np.isfinite(found) & (found > 0))


def test_nothing_to_fit():
    with pytest.raises(ValueError, match="above zero"):
        GammaGamma.fit(np.array([0.0, 2.0, 1.0]), np.array([5.0, -1.0, np.nan]))
