"""A published forecast made again from its row of the ledger."""

from dataclasses import dataclass

import numpy as np
import psycopg
import pyarrow as pa

from revlayer_udf import registry
from revlayer_udf.errors import RevlayerError, UnknownModel
from revlayer_udf.forecast import ledger
from revlayer_udf.forecast.engine import forecast_parts
from revlayer_udf.forecast.making import Inputs, make
from revlayer_udf.forecast.reading import Served, has_open_deals, read_closed_deals, read_open_deals, serving

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Reproduction:
    """What came of it.

    Attributes:
        compared: number of figures held against each other.
        differing: how many of them differ by more than ``TOLERANCE``, relative to their size; below 1 absolute.
        largest: the largest difference of that kind.
        reasons: why they may differ, in words; empty where they agree.
    """

    entry: ledger.Entry
    compared: int
    differing: int
    largest: float
    reasons: list[str]


def reproduce(conn: psycopg.Connection, ledger_id: int) -> Reproduction:
    """Make a published forecast again and compare every figure.

    Args:
        conn: of the role scorer.

    Raises:
        RevlayerError: there is no such entry; a model of it is gone; the features of its days are not there.
    """
    with conn.transaction():
        entry = ledger.entry(conn, ledger_id)
        said = ledger.read_figures(conn, ledger_id)
        _check_intact(entry, said)
        served = _served(conn, entry)
        _check_features(conn, entry)
        closed = read_closed_deals(conn, entry.as_of_date)
        past = [
            forecast_parts(read_open_deals(conn, day, served.judging, closed)[0], closed, entry.horizon_months)
            for day in entry.past_as_of_dates
        ]
        made = make(conn, entry.as_of_date, served, closed, past, entry.options)
    again = ledger.figures(made)
    differing, largest = _differences(said, again)
    reasons = _reasons(entry, made.inputs) if differing else []
    return Reproduction(entry, said.num_rows * (said.num_columns - len(ledger.KEYS)), differing, largest, reasons)


def _check_intact(entry: ledger.Entry, said: pa.Table) -> None:
    if ledger.digest(said) == entry.figures_sha256:
        return
    number = entry.ledger_id
    if len(said) > entry.figure_count:
        raise RevlayerError(
            f"forecast {number} was published with {entry.figure_count:,} figures and has {len(said):,} now",
            "Rows were added to it when the database still let the scorer role do so (before migration 0028). As an "
            "administrator remove those of a later transaction than the rest: "
            f"select xmin, * from planning.forecast_ledger_figures where ledger_id = {number}",
        )
    raise RevlayerError(
        f"the figures of forecast {number} are not those that were published: their digest differs",
        "No role of revlayer can change them; an administrator who switches the triggers off can. "
        f"Take the rows of ledger_id {number} in planning.forecast_ledger_figures from a backup.",
    )


def _served(conn: psycopg.Connection, entry: ledger.Entry) -> Served:
    try:
        served = serving(conn, {target: registry.get(conn, name) for target, name in entry.model_versions.items()})
    except UnknownModel as error:
        raise RevlayerError(
            f"forecast {entry.ledger_id} cannot be made again: {error.message}",
            "Restore the model in scoring.models from a backup; a registered model is never removed by revlayer.",
        ) from None
    return served


def _check_features(conn: psycopg.Connection, entry: ledger.Entry) -> None:
    days = list(entry.past_as_of_dates) + ([entry.as_of_date] if entry.open_deal_count else [])
    if missing := [day for day in days if not has_open_deals(conn, day)]:
        raise RevlayerError(
            f"features.ftr_deals has no deals of {', '.join(map(str, missing))}, which forecast {entry.ledger_id} used",
            rebuild(entry),
        )


def rebuild(entry: ledger.Entry) -> str:
    """Say how the features of an entry's day come back."""
    return (
        f"Build what was known that day, compare, and come back to today's data:\n"
        f"revlayer build features --as-of {entry.as_of_date}\n"
        f"revlayer forecast reproduce {entry.ledger_id}\n"
        f"revlayer run"
    )


def _differences(said: pa.Table, again: pa.Table) -> tuple[int, float]:
    names = [name for name in said.schema.names if name not in ledger.KEYS]
    if any(said[key].to_pylist() != again[key].to_pylist() for key in ledger.KEYS):
        return max(len(said), len(again)) * len(names), float("inf")
    before = np.column_stack([said[name].to_numpy() for name in names])
    after = np.column_stack([again[name].to_numpy() for name in names])
    sizes = np.abs(after - before) / np.maximum(np.abs(before), 1.0)
    return int((~(sizes <= TOLERANCE)).sum()), float(sizes.max(initial=0.0))


def _reasons(entry: ledger.Entry, now: Inputs) -> list[str]:
    then = entry.inputs
    reasons = []
    if now.open_deal_count != then.open_deal_count or not np.isclose(now.open_amount, then.open_amount, rtol=1e-12):
        reasons.append(
            f"open deals of {entry.as_of_date}: {then.open_deal_count:,} over {then.open_amount:,.2f} then, "
            f"{now.open_deal_count:,} over {now.open_amount:,.2f} now"
        )
    if now.closed_deal_count != then.closed_deal_count or not np.isclose(now.won_amount, then.won_amount, rtol=1e-12):
        reasons.append(
            f"closed deals known on {entry.as_of_date}: {then.closed_deal_count:,}, won {then.won_amount:,.2f} then; "
            f"{now.closed_deal_count:,}, won {now.won_amount:,.2f} now"
        )
    if ledger.software() != entry.software:
        reasons.append(f"software: {entry.software} then, {ledger.software()} now")
    elif ledger.code_digest() != entry.code_sha256:
        reasons.append("the source text of the forecast is another one than then")
    return [*(reasons or ["features of the deals differ from those of then"]), rebuild(entry)]
