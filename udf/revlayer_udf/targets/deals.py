"""Deals: won or not, at what value, and when."""

import numpy as np

from revlayer_udf.targets.target import (
    DEAL,
    ROUNDING,
    Outputs,
    Target,
    any_of,
    outside,
    probability,
    value_columns,
    value_refusals,
)

# Ends of the bins of deal_close_month, in days after the as-of date.
CLOSE_DAYS = (7, 14, 30, 45, 60, 90, 120, 180, 270, 365)


def _win_columns(outputs: Outputs) -> dict[str, np.ndarray]:
    return {"win_probability": probability(outputs["win_probability"])[:, 0]}


def _win_refusals(outputs: Outputs) -> dict[str, np.ndarray]:
    return {"win_probability is not between 0 and 1": outside(outputs["win_probability"])}


def _close_columns(outputs: Outputs) -> dict[str, np.ndarray]:
    within = np.maximum.accumulate(probability(outputs["within"]), axis=1)
    return {f"within_{days}d_probability": within[:, index] for index, days in enumerate(CLOSE_DAYS)}


def _close_refusals(outputs: Outputs) -> dict[str, np.ndarray]:
    falls = any_of(np.diff(outputs["within"].astype(np.float64), axis=1) < -ROUNDING)
    return {
        "within is not between 0 and 1": outside(outputs["within"]),
        "within falls from one bin to the next": falls,
    }


TARGETS: dict[str, Target] = {
    "deal_win": Target(
        DEAL,
        "deal_win_predictions",
        {"win_probability": 1},
        ("win_probability",),
        _win_columns,
        _win_refusals,
    ),
    "deal_value": Target(
        DEAL,
        "deal_value_predictions",
        {"value": 1, "value_p10": 1, "value_p90": 1},
        ("value_amount", "value_p10_amount", "value_p90_amount"),
        value_columns,
        value_refusals,
    ),
    "deal_close_month": Target(
        DEAL,
        "deal_close_predictions",
        {"within": len(CLOSE_DAYS)},
        tuple(f"within_{days}d_probability" for days in CLOSE_DAYS),
        _close_columns,
        _close_refusals,
        has_reasons=False,
    ),
}
