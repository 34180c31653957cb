"""What a target is: the rows that are scored, the outputs a model of it returns, the columns that are written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from psycopg import sql

Outputs = Mapping[str, np.ndarray]

# float32 sums of probabilities may pass 1, or step back, by this much.
ROUNDING = 1e-5


@dataclass(frozen=True)
class Entity:
    """What is scored.

    Attributes:
        name: of one, in the singular.
        relation: its features, one row per key and as_of_date.
        labels: what became of it, by key.
        absent: says that a date has no rows.
    """

    name: str
    relation: str
    labels: str
    absent: str

    @property
    def key(self) -> str:
        """The column that names one."""
        return f"{self.name}_id"

    @property
    def identifier(self) -> sql.Identifier:
        """The relation, quoted."""
        return sql.Identifier(*self.relation.split("."))


DEAL = Entity("deal", "features.ftr_deals", "features.lbl_deals", "no deal open")
CUSTOMER = Entity("customer", "features.ftr_customers", "features.lbl_customers", "no customer")
INSTALL = Entity("install", "features.ftr_installs", "features.lbl_installs", "no install")
INVOICE = Entity("invoice", "features.ftr_invoices", "features.lbl_invoices", "no open invoice")


@dataclass(frozen=True)
class Target:
    """What entities are scored for.

    Attributes:
        entity: whose features are read.
        table: prediction table in the schema scoring.
        outputs: width of every output the graph must return; ``rung`` is optional.
        numbers: prediction columns, double precision each.
        columns: makes them from outputs, float64 [N] each.
        refusals: per reason, the rows (bool [N]) that may not be published.
        has_reasons: the table has columns for a raw score and reasons.
    """

    entity: Entity
    table: str
    outputs: Mapping[str, int]
    numbers: tuple[str, ...]
    columns: Callable[[Outputs], dict[str, np.ndarray]]
    refusals: Callable[[Outputs], dict[str, np.ndarray]]
    has_reasons: bool = True


def probability(matrix: np.ndarray) -> np.ndarray:
    """Return probabilities as float64 within 0 and 1."""
    return np.clip(matrix.astype(np.float64), 0.0, 1.0)


def outside(matrix: np.ndarray) -> np.ndarray:
    """Return the rows with a number that is no probability, rounding apart."""
    return any_of((matrix < -ROUNDING) | (matrix > 1 + ROUNDING))


def any_of(matrix: np.ndarray) -> np.ndarray:
    """Return the rows in which any column is true."""
    return np.asarray(matrix.any(axis=1))


def value_columns(outputs: Outputs) -> dict[str, np.ndarray]:
    """Return an amount and its 80 % interval."""
    names = {"value": "value_amount", "value_p10": "value_p10_amount", "value_p90": "value_p90_amount"}
    return {column: outputs[name][:, 0].astype(np.float64) for name, column in names.items()}


def value_refusals(outputs: Outputs) -> dict[str, np.ndarray]:
    """Return the rows whose interval ends before it begins."""
    return {"value_p10 is above value_p90": (outputs["value_p10"] > outputs["value_p90"])[:, 0]}
