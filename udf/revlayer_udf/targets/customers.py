"""Customers: leaving, worth, and growing."""

import numpy as np

from revlayer_udf.targets.target import (
    CUSTOMER,
    Outputs,
    Target,
    outside,
    probability,
    value_columns,
    value_refusals,
)


def _churn_columns(outputs: Outputs) -> dict[str, np.ndarray]:
    return {"churn_probability": probability(outputs["churn_probability"])[:, 0]}


def _churn_refusals(outputs: Outputs) -> dict[str, np.ndarray]:
    return {"churn_probability is not between 0 and 1": outside(outputs["churn_probability"])}


def _expansion_columns(outputs: Outputs) -> dict[str, np.ndarray]:
    return {
        "expansion_probability": probability(outputs["expansion_probability"])[:, 0],
        "expansion_amount": outputs["expansion_amount"][:, 0].astype(np.float64),
    }


def _expansion_refusals(outputs: Outputs) -> dict[str, np.ndarray]:
    return {
        "expansion_probability is not between 0 and 1": outside(outputs["expansion_probability"]),
        "expansion_amount is below 0": (outputs["expansion_amount"] < 0)[:, 0],
    }


TARGETS: dict[str, Target] = {
    "customer_churn": Target(
        CUSTOMER,
        "customer_churn_predictions",
        {"churn_probability": 1},
        ("churn_probability",),
        _churn_columns,
        _churn_refusals,
    ),
    "customer_value": Target(
        CUSTOMER,
        "customer_value_predictions",
        {"value": 1, "value_p10": 1, "value_p90": 1},
        ("value_amount", "value_p10_amount", "value_p90_amount"),
        value_columns,
        value_refusals,
    ),
    "customer_expansion": Target(
        CUSTOMER,
        "customer_expansion_predictions",
        {"expansion_probability": 1, "expansion_amount": 1},
        ("expansion_probability", "expansion_amount"),
        _expansion_columns,
        _expansion_refusals,
    ),
}
