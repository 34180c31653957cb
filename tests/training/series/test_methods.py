"""Each method on series whose future is known."""

from datetime import date

import numpy as np
import pytest

from revlayer_training.series import baselines, methods
from revlayer_training.series.boosting import boosted, design
from revlayer_training.series.methods import METHODS, forecast_all
from revlayer_training.series.panel import Panel, error_scales
from revlayer_udf.errors import RevlayerError
from revlayer_udf.forecast.months import month_number

FIRST = month_number(date(2015, 1, 1))


def _seasonal(months: int, growth: float = 0.0, seed: int = 0, noise: float = 0.0) -> np.ndarray:
    at = np.arange(months)
    random = np.random.default_rng(seed)
    return (100 + growth * at) * (1 + 0.2 * np.sin(at * np.pi / 6)) + random.normal(0, noise or 1e-9, months)


def test_naive_methods_repeat_what_was():
    y = np.arange(1.0, 31.0)
    assert baselines.naive(y, 3).tolist() == [30, 30, 30]
    assert baselines.seasonal_naive(y, 14).tolist() == [*range(19, 31), 19, 20]


@pytest.mark.parametrize("single", [baselines.ets, baselines.theta], ids=["ets", "theta"])
def test_statistical_methods_follow_season_and_trend(single):
    y = _seasonal(132, growth=0.5, noise=0.5)
    made = baselines.each(single, y[None, :120], 12, 24)[0]
    assert np.abs(made - y[120:]).mean() < 0.5 * np.abs(y[108:120] - y[120:]).mean()


def test_lightgbm_learns_a_change_of_growth_that_naive_cannot():
    """Twelve series, whose change against the year before goes on: the year before alone is too low."""
    values = np.stack([_seasonal(132, growth=g, seed=g, noise=0.5) for g in range(1, 13)])
    made = boosted(values[:, :120], FIRST, 12)
    error, naive = np.abs(made - values[:, 120:]).mean(), np.abs(values[:, 108:120] - values[:, 120:]).mean()
    assert error < 0.5 * naive


def test_segments_that_slept_do_not_spoil_the_forecasts_of_others():
    """One begins again after four years without an amount: its change has no measure, or nearly none."""
    values = np.stack([_seasonal(72, seed=s, noise=3) for s in range(6)])
    slept = np.r_[np.full(12, 50.0), np.zeros(48), np.full(12, 80.0)]
    nearly = np.maximum(slept, 1e-6)
    made = boosted(np.vstack([values, slept, nearly, np.zeros(72)]), FIRST, 12)
    assert np.isfinite(made[:8]).all() and np.isnan(made[8]).all()
    assert np.abs(made[:6] - values[:, 60:]).mean() < 10
    assert np.abs(made[6:8]).max() < 400


def test_a_forecast_beyond_all_that_was_is_none(monkeypatch):
    wild = methods.Method("ets", "statistical", lambda values, first, horizon: np.full((len(values), horizon), 1e6))
    monkeypatch.setattr(methods, "ALONE", tuple(wild if of.name == "ets" else of for of in methods.ALONE))
    made = dict(zip(METHODS, forecast_all(_seasonal(40, noise=1)[None], FIRST, 12), strict=True))
    assert all(np.isnan(made[name]).all() for name in ("ets", "ets_theta", "combination"))
    assert all(np.isfinite(made[name]).all() for name in ("naive", "seasonal_naive", "theta"))


def test_lightgbm_reads_nothing_after_what_is_known():
    values = np.stack([_seasonal(80, seed=s, noise=3) for s in range(4)])
    other = values.copy()
    other[:, 60:] = 1e6
    known, ahead = np.array([40, 60]), np.arange(1, 13)
    for one, two in zip(design(values, FIRST, known, ahead), design(other, FIRST, known, ahead), strict=True):
        assert np.array_equal(one, two)


def test_the_same_series_give_the_same_forecast():
    values = np.stack([_seasonal(60, seed=s, noise=3) for s in range(4)])
    assert np.array_equal(forecast_all(values, FIRST, 6), forecast_all(values, FIRST, 6))


def test_money_that_never_was_negative_is_not_forecast_so():
    y = np.maximum(_seasonal(48)[None] - 2.2 * np.arange(48), 0.0)
    assert (forecast_all(y, FIRST, 12)[:5] >= 0).all()
    assert (forecast_all(y - 50, FIRST, 12)[METHODS.index("naive")] < 0).all()


@pytest.mark.parametrize("values", [np.zeros(60), np.full(60, 7.0), np.r_[np.zeros(50), np.ones(10)]], ids=str)
def test_series_that_hardly_move_have_a_forecast(values):
    made = forecast_all(values[None], FIRST, 12)
    assert np.isfinite(made[METHODS.index("seasonal_naive")]).all()
    assert (error_scales(values[None]) > 0).all()


def test_scales_are_seasonal_differences_then_monthly_ones():
    values = np.vstack([np.r_[np.zeros(12), np.full(12, 6.0)], np.r_[np.full(20, np.nan), [1.0, 2.0, 3.0, 5.0]]])
    assert error_scales(values) == pytest.approx([6, 4 / 3])


def test_a_panel_names_a_series_with_a_hole():
    holed = np.array([[1.0, np.nan, 2.0]])
    with pytest.raises(RevlayerError, match="EMEA has months without a number"):
        Panel(("EMEA",), FIRST, holed)
    begun_later = Panel.of(["EMEA", "APAC"], FIRST, np.array([[np.nan, np.nan, 2.0], [np.nan, 1.0, 1.0]]))
    assert begun_later.first_month == FIRST + 1 and begun_later.with_total().tolist()[0] == [1, 3]
