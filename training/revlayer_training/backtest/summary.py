"""Figures of a backtest: error, bias and coverage by horizon and predictor, and coverage over companies."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer_training.backtest.comparison import MODEL, PREDICTORS
from revlayer_udf.forecast import ALL_SEGMENTS
from revlayer_udf.forecast.months import Floats

_PINBALL = ((0.1, "p10_amount"), (0.5, "p50_amount"), (0.9, "p90_amount"))


@dataclass(frozen=True)
class HorizonFigures:
    """One predictor at one horizon, over the company's months.

    Attributes:
        wape: sum of absolute errors over the sum of actual amounts; None where nothing was won.
        mase: mean of absolute errors over the error ``naive`` made until then; None without a history of it.
        bias: sum of errors over the sum of actual amounts; above 0 means too high.
        pinball: sum over the sum of actual amounts, mean of the 10, 50 and 90 % quantiles; a predictor without
            quantiles is held to its one amount.
        coverage: share of actual amounts inside p10 to p90; None without an interval.
    """

    months_ahead: int
    predictor: str
    months: int
    wape: float | None
    mase: float | None
    bias: float | None
    pinball: float | None
    coverage: float | None


@dataclass(frozen=True)
class BacktestSummary:
    """What a backtest came to; ``header`` and ``rows`` are for printing.

    Attributes:
        table: rows of scoring.forecast_backtests.
        timing: rows of scoring.deal_timing_backtests.
    """

    run_id: int | None
    row_count: int
    figures: list[HorizonFigures]
    table: pa.Table
    timing: pa.Table

    @property
    def header(self) -> list[str]:
        """Column names."""
        return ["months ahead", "predictor", "months", "WAPE", "MASE", "bias", "pinball", "p10-p90 coverage"]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """One row per horizon and predictor, as text."""
        return [
            (
                str(figure.months_ahead),
                figure.predictor,
                str(figure.months),
                _percent(figure.wape),
                "" if figure.mase is None else f"{figure.mase:.2f}",
                *(_percent(value) for value in (figure.bias, figure.pinball, figure.coverage)),
            )
            for figure in self.figures
        ]

    def value(self, months_ahead: int, predictor: str) -> HorizonFigures | None:
        """Look up one predictor at one horizon."""
        wanted = (months_ahead, predictor)
        return next((f for f in self.figures if (f.months_ahead, f.predictor) == wanted), None)


@dataclass(frozen=True)
class CoverageReport:
    """Coverage of intervals pooled over companies.

    Attributes:
        coverage: share of months whose actual amount lay inside the interval.
        low, high: 95 % bootstrap interval; companies are drawn, since months of one company are alike.
        months, companies: how many periods and companies were pooled.
        wape: by predictor, pooled: sum of absolute errors over sum of actual amounts.
    """

    coverage: float
    low: float
    high: float
    months: int
    companies: int
    wape: dict[str, float]


@dataclass(frozen=True)
class _Total:
    """Columns of the company's total."""

    ahead: Floats
    predictor: np.ndarray
    forecasts: Floats
    actual: Floats
    inside: Floats
    scaled: Floats
    pinball: Floats


def summarise(table: pa.Table) -> list[HorizonFigures]:
    """Return the figures of the company's total by horizon and predictor, of months."""
    total = _columns(table)
    names = [*PREDICTORS, *sorted(set(total.predictor.tolist()) - set(PREDICTORS))]
    figures = []
    for months_ahead in np.unique(total.ahead).tolist():
        for name in names:
            rows = (total.ahead == months_ahead) & (total.predictor == name)
            if rows.any():
                figures.append(_figures(int(months_ahead), name, total, rows))
    return figures


def coverage_report(
    tables: Mapping[str, pa.Table],
    *,
    months_ahead: int = 1,
    period: str = "month",
    interval: tuple[str, str] = ("p10_amount", "p90_amount"),
    resamples: int = 2000,
    seed: int = 0,
) -> CoverageReport:
    """Pool backtests of several companies.

    Args:
        tables: backtest rows by company, for example by the simulator's seed.
        months_ahead: horizon; at 1 the months of one company do not overlap.
        period: month or quarter.
        interval: columns of its ends.

    Raises:
        ValueError: there is no month at this horizon.
    """
    hits: list[float] = []
    counts: list[float] = []
    errors: dict[str, float] = {}
    totals = 0.0
    for table in tables.values():
        total = _columns(table, period, interval)
        here = total.ahead == months_ahead
        rows = here & (total.predictor == MODEL)
        if rows.any():
            hits.append(float(total.inside[rows].sum()))
            counts.append(float(rows.sum()))
            totals += float(total.actual[rows].sum())
        for name in np.unique(total.predictor[here]).tolist():
            chosen = here & (total.predictor == name)
            errors[name] = errors.get(name, 0.0) + float(np.abs(total.forecasts - total.actual)[chosen].sum())
    if not counts:
        raise ValueError(f"no {period} was forecast {months_ahead} months ahead")
    inside_sum, month_sum = np.array(hits), np.array(counts)
    drawn = np.random.default_rng(seed).integers(0, len(counts), (resamples, len(counts)))
    low, high = np.quantile(inside_sum[drawn].sum(axis=1) / month_sum[drawn].sum(axis=1), (0.025, 0.975))
    wape = {name: error / totals if totals else float("nan") for name, error in errors.items()}
    return CoverageReport(
        float(inside_sum.sum() / month_sum.sum()),
        float(low),
        float(high),
        int(month_sum.sum()),
        len(counts),
        wape,
    )


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _columns(
    table: pa.Table, period: str = "month", interval: tuple[str, str] = ("p10_amount", "p90_amount")
) -> _Total:
    kept = pc.and_(pc.equal(table["segment_id"], ALL_SEGMENTS), pc.equal(table["period_type"], period))
    total = table.filter(kept)

    def numbers(name: str) -> Floats:
        return np.asarray(total[name].to_numpy(), dtype=np.float64)

    low, high, forecasts, actual = (numbers(name) for name in (*interval, "forecast_amount", "actual_amount"))
    inside = np.where(np.isnan(low), np.nan, ((low <= actual) & (actual <= high)).astype(np.float64))
    pinball = np.zeros(len(actual))
    for probability, name in _PINBALL:
        held = numbers(name)
        over = actual - np.where(np.isnan(held), forecasts, held)
        pinball += np.maximum(probability * over, (probability - 1) * over) / len(_PINBALL)
    scaled = np.abs(forecasts - actual) / numbers("naive_error_amount")
    predictor = np.array(total["predictor"].to_pylist(), dtype=np.str_)
    return _Total(numbers("months_ahead"), predictor, forecasts, actual, inside, scaled, pinball)


def _figures(months_ahead: int, name: str, total: _Total, rows: np.ndarray) -> HorizonFigures:
    actual, error = total.actual[rows], (total.forecasts - total.actual)[rows]
    came = float(actual.sum())

    def of_actual(value: float) -> float | None:
        return value / came if came > 0 else None

    return HorizonFigures(
        months_ahead,
        name,
        len(actual),
        of_actual(float(np.abs(error).sum())),
        _mean(total.scaled[rows]),
        of_actual(float(error.sum())),
        of_actual(float(total.pinball[rows].sum())),
        _mean(total.inside[rows]),
    )


def _mean(values: Floats) -> float | None:
    return None if np.isnan(values).all() else float(np.nanmean(values))
