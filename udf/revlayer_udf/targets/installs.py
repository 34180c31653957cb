"""Installs: whether one pays, and how much it brings."""

import numpy as np

from revlayer_udf.targets.target import INSTALL, Outputs, Target, any_of, outside, probability

QUANTILES = ("revenue_p50", "revenue_p90", "revenue_p99")


def _revenue_columns(outputs: Outputs) -> dict[str, np.ndarray]:
    amounts = {f"{name}_amount": outputs[name][:, 0].astype(np.float64) for name in ("revenue", *QUANTILES)}
    return {"payer_probability": probability(outputs["payer_probability"])[:, 0], **amounts}


def _revenue_refusals(outputs: Outputs) -> dict[str, np.ndarray]:
    quantiles = np.column_stack([outputs[name][:, 0] for name in QUANTILES])
    return {
        "payer_probability is not between 0 and 1": outside(outputs["payer_probability"]),
        "a quantile of revenue is above the next": any_of(np.diff(quantiles, axis=1) < 0),
    }


TARGETS: dict[str, Target] = {
    "install_revenue": Target(
        INSTALL,
        "install_revenue_predictions",
        {"payer_probability": 1, "revenue": 1, **dict.fromkeys(QUANTILES, 1)},
        ("payer_probability", "revenue_amount", *(f"{name}_amount" for name in QUANTILES)),
        _revenue_columns,
        _revenue_refusals,
    ),
}
