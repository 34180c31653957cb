"""Deal targets: which outputs a model of each returns, and the columns of its prediction table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Outputs = Mapping[str, np.ndarray]

# Ends of the bins of deal_close_month, in days after the as-of date.
CLOSE_DAYS = (7, 14, 30, 45, 60, 90, 120, 180, 270, 365)
# float32 sums of probabilities may pass 1, or step back, by this much.
ROUNDING = 1e-5


@dataclass(frozen=True)
class DealTarget:
    """What deals are scored for.

    Attributes:
        table: prediction table in the schema scoring.
        outputs: width of every output the graph must return; ``rung`` is optional.
        numbers: prediction columns, double precision each.
        columns: makes them from outputs, float64 [N] each.
        refusals: per reason, the rows (bool [N]) that may not be published.
        has_reasons: the table has columns for a raw score and reasons.
    """

    table: str
    outputs: Mapping[str, int]
    numbers: tuple[str, ...]
    columns: Callable[[Outputs], dict[str, np.ndarray]]
    refusals: Callable[[Outputs], dict[str, np.ndarray]]
    has_reasons: bool = True


def _win_columns(outputs: Outputs) -> dict[str, np.ndarray]:
    return {"win_probability": _probability(outputs["win_probability"])[:, 0]}


def _win_refusals(outputs: Outputs) -> dict[str, np.ndarray]:
    return {"win_probability is not between 0 and 1": _outside(outputs["win_probability"])}


def _value_columns(outputs: Outputs) -> dict[str, np.ndarray]:
    names = {"value": "value_amount", "value_p10": "value_p10_amount", "value_p90": "value_p90_amount"}
    return {column: outputs[name][:, 0].astype(np.float64) for name, column in names.items()}


def _value_refusals(outputs: Outputs) -> dict[str, np.ndarray]:
    return {"value_p10 is above value_p90": (outputs["value_p10"] > outputs["value_p90"])[:, 0]}


def _close_columns(outputs: Outputs) -> dict[str, np.ndarray]:
    within = np.maximum.accumulate(_probability(outputs["within"]), axis=1)
    return {f"within_{days}d_probability": within[:, index] for index, days in enumerate(CLOSE_DAYS)}


def _close_refusals(outputs: Outputs) -> dict[str, np.ndarray]:
    falls = _any(np.diff(outputs["within"].astype(np.float64), axis=1) < -ROUNDING)
    return {
        "within is not between 0 and 1": _outside(outputs["within"]),
        "within falls from one bin to the next": falls,
    }


def _probability(matrix: np.ndarray) -> np.ndarray:
    return np.clip(matrix.astype(np.float64), 0.0, 1.0)


def _outside(matrix: np.ndarray) -> np.ndarray:
    return _any((matrix < -ROUNDING) | (matrix > 1 + ROUNDING))


def _any(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(matrix.any(axis=1))


TARGETS: dict[str, DealTarget] = {
    "deal_win": DealTarget(
        "deal_win_predictions",
        {"win_probability": 1},
        ("win_probability",),
        _win_columns,
        _win_refusals,
    ),
    "deal_value": DealTarget(
        "deal_value_predictions",
        {"value": 1, "value_p10": 1, "value_p90": 1},
        ("value_amount", "value_p10_amount", "value_p90_amount"),
        _value_columns,
        _value_refusals,
    ),
    "deal_close_month": DealTarget(
        "deal_close_predictions",
        {"within": len(CLOSE_DAYS)},
        tuple(f"within_{days}d_probability" for days in CLOSE_DAYS),
        _close_columns,
        _close_refusals,
        has_reasons=False,
    ),
}
