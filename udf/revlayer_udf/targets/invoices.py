"""Invoices: whether an open one is paid late, and the distribution of the day it is paid."""

import numpy as np

from revlayer_udf.targets.target import INVOICE, Outputs, Target, outside, probability


def _late_columns(outputs: Outputs) -> dict[str, np.ndarray]:
    return {
        "late_probability": probability(outputs["late_probability"])[:, 0],
        "location_days": outputs["location"][:, 0].astype(np.float64),
        "scale_days": outputs["scale"][:, 0].astype(np.float64),
    }


def _late_refusals(outputs: Outputs) -> dict[str, np.ndarray]:
    return {
        "late_probability is not between 0 and 1": outside(outputs["late_probability"]),
        "scale is not above 0": ~(outputs["scale"] > 0)[:, 0],
    }


TARGETS: dict[str, Target] = {
    "invoice_late": Target(
        INVOICE,
        "invoice_late_predictions",
        {"late_probability": 1, "location": 1, "scale": 1},
        ("late_probability", "location_days", "scale_days"),
        _late_columns,
        _late_refusals,
        has_reasons=False,
    ),
}
