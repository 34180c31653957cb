"""A forecast as rows of the scoring tables, without run_id."""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa

from revlayer_udf.forecast import spread
from revlayer_udf.forecast.distribution import PROBABILITIES
from revlayer_udf.forecast.engine import Forecast, with_total
from revlayer_udf.forecast.months import Floats, month_start
from revlayer_udf.forecast.timing import STAGE_DAYS, LifeTable
from revlayer_udf.targets import CLOSE_DAYS


def forecast_table(made: Forecast, model_version: str) -> pa.Table:
    """Return the rows of scoring.revenue_forecasts."""
    figures = {
        "closed_amount": made.closed,
        "open_mean_amount": made.open_mean,
        "created_mean_amount": made.created_mean,
        "mean_amount": made.mean,
        "p10_amount": made.p10,
        "p50_amount": made.p50,
        "p90_amount": made.p90,
    }
    return _monthly(made, made.segments, figures).append_column(
        "model_version", pa.array([model_version] * made.mean.size, pa.string())
    )


def quantile_table(made: Forecast) -> pa.Table:
    """Return the rows of scoring.revenue_forecast_quantiles: months, then quarters.

    Means are sums of parts in whole cents, as the marts by month have them: everywhere the same figure.
    """
    cents = replace(
        made,
        closed=_in_cents(made.closed),
        open_mean=_in_cents(made.open_mean),
        created_mean=_in_cents(made.created_mean),
    )
    means = {"month": cents.mean, "quarter": cents.quarter_mean}
    held = {"month": made.distribution.months, "quarter": made.distribution.quarters}
    starts = {"month": made.months, "quarter": made.quarters}
    tables = []
    for period, quantiles in held.items():
        segments, periods, count = quantiles.shape
        days = np.array([month_start(int(month)) for month in starts[period]], dtype="datetime64[D]")
        tables.append(
            pa.table(
                {
                    "as_of_date": pa.array([made.as_of] * quantiles.size, pa.date32()),
                    "period_type": pa.array([period] * quantiles.size, pa.string()),
                    "period_start_on": pa.array(np.tile(np.repeat(days, count), segments), pa.date32()),
                    "segment_id": _repeated(made.segments, periods * count),
                    "mean_amount": pa.array(np.repeat(means[period].reshape(-1), count), pa.float64()),
                    "probability": pa.array(np.tile(PROBABILITIES, segments * periods), pa.float64()),
                    "amount": pa.array(quantiles.reshape(-1), pa.float64()),
                }
            )
        )
    return pa.concat_tables(tables)


def parts_table(made: Forecast) -> pa.Table:
    """Return the rows of scoring.revenue_forecast_parts: segments without the total, whose parts are their sums."""
    parts, created = made.parts, made.parts.created
    shape = parts.closed.shape

    def by_month(values: Floats) -> Floats:
        return np.broadcast_to(values, shape)

    common = np.array([spread.expected_square(weights) for weights in made.spreads.common])
    own = np.array([spread.expected_square(weights) for weights in made.spreads.own])
    correlation = np.full(shape[1], float(made.spreads.correlation @ spread.CORRELATIONS))
    return _monthly(
        made,
        parts.segments,
        {
            "closed_amount": parts.closed,
            "open_mean": parts.open_deals.mean,
            "open_variance": parts.open_deals.variance,
            "open_third_cumulant": parts.open_deals.third,
            "created_mean": created.mean,
            "created_variance": created.variance,
            "created_third_cumulant": created.third,
            "created_level_variance": by_month(created.level_variance),
            "created_error_variance": by_month(created.error_variance),
            "common_variance": by_month(common),
            "segment_variance": by_month(own),
            "month_correlation": by_month(correlation),
        },
    )


def loss_table(losses: LifeTable, as_of: date) -> pa.Table:
    """Return the rows of scoring.deal_loss_timings: every stage with every class of days in it.

    The last rows, without a stage, are for stages not seen; those without days for any, also unknown ones.
    """
    stages, classes = losses.deals.shape
    first = [0, *(days + 1 for days in STAGE_DAYS), None]
    last = [*STAGE_DAYS, None, None]
    within = {
        f"within_{days}d_probability": pa.array(losses.lost_unless_won[..., place].reshape(-1), pa.float64())
        for place, days in enumerate(CLOSE_DAYS)
    }
    names = [name for stage in [*losses.stages, None] for name in [stage] * classes]
    return pa.table(
        {
            "as_of_date": pa.array([as_of] * len(names), pa.date32()),
            "stage_name": pa.array(names, pa.string()),
            "days_in_stage_from": pa.array(first * stages, pa.int32()),
            "days_in_stage_to": pa.array(last * stages, pa.int32()),
            "deal_count": pa.array(losses.deals.reshape(-1), pa.int64()),
            **within,
        }
    )


def _in_cents(amounts: Floats) -> Floats:
    """Round every segment's amounts, so that the total is their sum, [S + 1, M]."""
    return with_total(np.round(amounts[1:], 2))


def _monthly(made: Forecast, names: list[str], figures: dict[str, Floats]) -> pa.Table:
    months = len(made.months)
    starts = [month_start(int(month)) for month in made.months]
    return pa.table(
        {
            "as_of_date": pa.array([made.as_of] * (len(names) * months), pa.date32()),
            "month_start_on": pa.array(starts * len(names), pa.date32()),
            "segment_id": _repeated(names, months),
            **{name: pa.array(np.ascontiguousarray(values).reshape(-1)) for name, values in figures.items()},
        }
    )


def _repeated(names: list[str], count: int) -> pa.Array:
    return pa.array(np.repeat(np.array(names, dtype=object), count), pa.string())
