"""Forecasts that the value of customers is held against, from the features of dbt; BG/NBD's published figures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray

from revlayer_training.customers import CustomerDataset
from revlayer_training.purchasing.bg_nbd import BgNbd
from revlayer_training.purchasing.expectation import PurchaseExpectation, has_history, histories
from revlayer_training.purchasing.gamma_gamma import GammaGamma
from revlayer_training.purchasing.histories import Histories
from revlayer_training.value_forecaster import Forecaster
from revlayer_training.value_formula import simple_formula
from revlayer_training.value_interval import ValueInterval
from revlayer_training.value_members import ENSEMBLE
from tests.purchase_expectations import alive_probability, expected_purchases
from tests.verify.report import Section

Floats = NDArray[np.float64]
HEADER = ("forecast", "RMSE", "MAE", "bias of the total", "R²", "rank correlation", "lift of the top tenth")
SERVED, SIMPLE, ZERO = "served", "simple formula", "all zero"
FOLDS, SEED, WEEKS = 5, 1, 39
# Fader, Hardie and Lee (2005); the figure, and half a unit of its last digit.
PUBLISHED = {"r": (0.243, 0.0005), "alpha": (4.414, 0.0005), "a": (0.793, 0.0005), "b": (2.426, 0.0005),
             "log-likelihood": (-9582.4, 0.05)}  # fmt: skip
IN_SQL = """
select
    metrics.purchase_alive_probability(x, recency, age, %(r)s, %(alpha)s, %(a)s, %(b)s),
    metrics.expected_purchases(%(weeks)s, x, recency, age, %(r)s, %(alpha)s, %(a)s, %(b)s)
from unnest(%(x)s::double precision[], %(recency)s::double precision[], %(age)s::double precision[])
    with ordinality as histories (x, recency, age, place)
order by place
"""


def at_most(limit: float) -> Callable[[float], bool]:
    """Return whether a figure is not above a limit."""
    return lambda value: value <= limit


def at_least(limit: float) -> Callable[[float], bool]:
    """Return whether a figure is not below a limit."""
    return lambda value: value >= limit


def rows_of(now: CustomerDataset, days: int) -> dict[str, Floats]:
    """Return what needs no fitting."""
    return {SIMPLE: simple_formula(now, days), ZERO: np.zeros(len(now))}


def as_published(now: CustomerDataset, days: int) -> Floats:
    """Return BG/NBD times Gamma-Gamma as their authors fit them: to the mean value of the purchases after the first."""
    known = has_history(now.numbers)
    own = histories(now.numbers, known)
    mean = now.numbers["repeat_day_revenue"][known].astype(np.float64) / np.maximum(own.repeats, 1)
    purchases = BgNbd.fit(own).expected_purchases(own, days / 7)
    values = np.zeros(len(now))
    values[known] = purchases * GammaGamma.fit(own.repeats, mean).expected_value(own.repeats, mean)
    return values


def of_all_days(now: CustomerDataset, days: int) -> Floats:
    """Return BG/NBD times the Gamma-Gamma of the product, to which the first purchase counts as well."""
    return PurchaseExpectation.fit(now.numbers).forward_revenue(now.numbers, days)


def crossed(now: CustomerDataset, days: int) -> dict[str, Floats]:
    """Foretell each fifth of the customers by what the label of the others teaches, [N] by forecast."""
    fold = np.random.default_rng(SEED).permutation(len(now)) % FOLDS
    shown: dict[str, Floats] = {}
    for part in range(FOLDS):
        learnt, held = now.take(fold != part), now.take(fold == part)
        every = np.ones(len(learnt), bool)
        forecaster = Forecaster.fit(learnt, learnt.forward_revenue, every, days, days, SEED)
        interval = ValueInterval.fit(forecaster.predict(learnt)[ENSEMBLE], learnt.forward_revenue)
        served = forecaster.served(learnt, ENSEMBLE, interval).predict(held)["value"]
        for name, values in {SERVED: served, **forecaster.predict(held)}.items():
            shown.setdefault(name.replace("_", " "), np.zeros(len(now)))[fold == part] = values
    return shown


def hold_sample(section: Section, conn: psycopg.Connection, now: CustomerDataset, file: Path) -> None:
    """Fit the tenth of the customers that the papers do, and compare the functions in SQL with an integration.

    Args:
        conn: of the role reader.
        file: names the customers in its first column.
    """
    numbers = np.unique(np.loadtxt(file, usecols=0, dtype=np.int64))
    own = np.isin([int(name.rsplit(":", 1)[1]) for name in now.entity_ids], numbers)
    sample = histories(now.numbers, own & has_history(now.numbers))
    model = BgNbd.fit(sample)
    found = {"r": model.r, "alpha": model.alpha, "a": model.a, "b": model.b, "log-likelihood": model.log_likelihood}
    for name, (figure, half) in PUBLISHED.items():
        apart = abs(found[name] - figure)
        section.check(
            f"BG/NBD of the sample: {name}, {found[name]:.5g}, apart from the published {figure}", apart,
            at_most(half), f"≤ {half}",
        )  # fmt: skip
    for name, apart in _in_sql(conn, sample, model).items():
        section.check(f"SQL and an integration of its own: {name}", apart, lambda v: v <= 1e-6, "≤ 1e-6")


def _in_sql(conn: psycopg.Connection, sample: Histories, model: BgNbd) -> dict[str, float]:
    """Return the largest relative differences over the histories of the sample."""
    distinct, _ = sample.distinct()
    columns = [column.tolist() for column in (distinct.repeats, distinct.recency, distinct.age)]
    parameters = {"r": model.r, "alpha": model.alpha, "a": model.a, "b": model.b}
    given = parameters | dict(zip(("x", "recency", "age"), columns, strict=True)) | {"weeks": WEEKS}
    found: Floats = np.array(conn.execute(IN_SQL, given).fetchall())
    four = tuple(parameters.values())
    wanted = np.array([
        (alive_probability(*history, *four), expected_purchases(WEEKS, *history, *four))
        for history in zip(*columns, strict=True)
    ])  # fmt: skip
    apart = np.max(np.abs(found / wanted - 1), axis=0)
    return {"P(alive)": float(apart[0]), f"expected purchases in {WEEKS} weeks": float(apart[1])}
