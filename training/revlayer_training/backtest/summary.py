"""Figures of a backtest: error, bias and coverage by horizon and predictor, and coverage over companies."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer_training.backtest.replay import PREDICTORS
from revlayer_udf.forecast import ALL_SEGMENTS
from revlayer_udf.forecast.months import Floats


@dataclass(frozen=True)
class HorizonFigures:
    """One predictor at one horizon, over the company's months.

    Attributes:
        wape: sum of absolute errors over the sum of actual amounts; None where nothing was won.
        bias: sum of errors over the sum of actual amounts; above 0 means too high.
        coverage: share of actual amounts inside p10 to p90; None without an interval.
    """

    months_ahead: int
    predictor: str
    months: int
    wape: float | None
    bias: float | None
    coverage: float | None


@dataclass(frozen=True)
class BacktestSummary:
    """What a backtest came to; ``header`` and ``rows`` are for printing."""

    run_id: int | None
    row_count: int
    figures: list[HorizonFigures]
    table: pa.Table

    @property
    def header(self) -> list[str]:
        """Column names."""
        return ["months ahead", "predictor", "months", "WAPE", "bias", "p10-p90 coverage"]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """One row per horizon and predictor, as text."""
        return [
            (
                str(figure.months_ahead),
                figure.predictor,
                str(figure.months),
                *("" if value is None else f"{value:.1%}" for value in (figure.wape, figure.bias, figure.coverage)),
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
        coverage: share of months whose actual amount lay inside p10 to p90.
        low, high: 95 % bootstrap interval; companies are drawn, since months of one company are alike.
        months, companies: how many were pooled.
        wape: by predictor, pooled: sum of absolute errors over sum of actual amounts.
    """

    coverage: float
    low: float
    high: float
    months: int
    companies: int
    wape: dict[str, float]


def summarise(table: pa.Table) -> list[HorizonFigures]:
    """Return the figures of the company's total by horizon and predictor."""
    ahead, predictor, forecasts, actual, inside = _columns(table)
    figures = []
    for months_ahead in np.unique(ahead).tolist():
        for name in PREDICTORS:
            rows = (ahead == months_ahead) & (predictor == name)
            if rows.any():
                figures.append(_figures(months_ahead, name, forecasts[rows], actual[rows], inside[rows]))
    return figures


def coverage_report(
    tables: Mapping[str, pa.Table], *, months_ahead: int = 1, resamples: int = 2000, seed: int = 0
) -> CoverageReport:
    """Pool backtests of several companies.

    Args:
        tables: backtest rows by company, for example by the simulator's seed.
        months_ahead: horizon; at 1 the months of one company do not overlap.

    Raises:
        ValueError: there is no month at this horizon.
    """
    hits: list[float] = []
    counts: list[float] = []
    errors, totals = dict.fromkeys(PREDICTORS, 0.0), 0.0
    for table in tables.values():
        ahead, predictor, forecasts, actual, inside = _columns(table)
        rows = (ahead == months_ahead) & (predictor == "model")
        if rows.any():
            hits.append(float(inside[rows].sum()))
            counts.append(float(rows.sum()))
            totals += float(actual[rows].sum())
        for name in PREDICTORS:
            chosen = (ahead == months_ahead) & (predictor == name)
            errors[name] += float(np.abs(forecasts - actual)[chosen].sum())
    if not counts:
        raise ValueError(f"no month was forecast {months_ahead} months ahead")
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


def _columns(table: pa.Table) -> tuple[np.ndarray, np.ndarray, Floats, Floats, Floats]:
    total = table.filter(pc.equal(table["segment_id"], ALL_SEGMENTS))
    low, high, forecasts, actual = (
        np.asarray(total[name].to_numpy(), dtype=np.float64)
        for name in ("p10_amount", "p90_amount", "forecast_amount", "actual_amount")
    )
    inside = np.where(np.isnan(low), np.nan, ((low <= actual) & (actual <= high)).astype(np.float64))
    predictor = np.array(total["predictor"].to_pylist(), dtype=np.str_)
    return np.asarray(total["months_ahead"].to_numpy()), predictor, forecasts, actual, inside


def _figures(months_ahead: int, name: str, forecasts: Floats, actual: Floats, inside: Floats) -> HorizonFigures:
    total = float(actual.sum())
    error = forecasts - actual
    wape = float(np.abs(error).sum()) / total if total > 0 else None
    bias = float(error.sum()) / total if total > 0 else None
    coverage = None if np.isnan(inside).all() else float(np.nanmean(inside))
    return HorizonFigures(months_ahead, name, len(actual), wape, bias, coverage)
