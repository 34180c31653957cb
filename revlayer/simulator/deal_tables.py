"""Rows of raw.deals, raw.deal_changes, links, attributes and truth for one chunk."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlayer.simulator import text
from revlayer.simulator.changes import History
from revlayer.simulator.clock import Index, day_number
from revlayer.simulator.events import Scene
from revlayer.simulator.fates import change_lags
from revlayer.simulator.parameters import LOST, SOURCE_NAME, WON
from revlayer.simulator.truth import open_truth, truth_dates
from revlayer.simulator.world import PRODUCTS

COLUMN_OF_FIELD = {"account": "account_source_id", "owner": "owner_source_id", "product": "product_source_id",
                   "stage": "stage_source_id"}  # fmt: skip
PARTNER_ATTRIBUTE = "partner_level"


def known_from(scene: Scene) -> Index:
    """Seconds from which each deal was recorded."""
    return text.seconds(scene.deals.created_at + scene.fates.recorded_lag)


def change_table(scene: Scene, history: History, first_number: int) -> pa.Table:
    """Rows of raw.deal_changes by deal and time; source ids count from `first_number`."""
    count = len(history)
    lags = change_lags(scene.parameters, count, scene.seed, scene.chunk)
    # A deal's creation has its own lag; deletions and merges need their times to be known at once.
    recorded = history.recorded(lags, known_from(scene), scene.clock.end)
    created = history.at == text.seconds(scene.deals.created_at)[history.row]
    exact = np.isfinite(scene.fates.deleted_at) | np.isfinite(scene.fates.merged_at)
    recorded = np.where(created, known_from(scene)[history.row], recorded)
    recorded = np.where(exact[history.row], history.at, recorded)
    return pa.table(
        {
            "source_name": text.constant(SOURCE_NAME, count),
            "source_id": text.identifiers("C", first_number + np.arange(count), 9),
            "occurred_at": text.stamps(history.at),
            "recorded_at": text.stamps(recorded),
            "field_name": text.names(history.fields, history.code),
            "old_value": history.old,
            "new_value": history.new,
            "deal_source_id": text.identifiers("D", scene.deals.number[history.row], 7),
        }
    )


def deal_table(scene: Scene, history: History) -> pa.Table:
    """Rows of raw.deals: the state at the end of the simulated time, taken from the history itself."""
    deals, fates, journey = scene.deals, scene.fates, scene.journey
    count, rows = len(deals), np.arange(len(deals))
    seen = (journey.at < fates.cut[:, None]).sum(axis=1) - 1
    stage, at = journey.stage[rows, seen], journey.at[rows, seen]
    is_open = (stage != WON) & (stage != LOST)
    end = np.full(count, int(scene.clock.end) * text.DAY_SECONDS - 1)
    account = text.identifiers("Account ", deals.account + 1, 6)
    columns = {
        "source_name": text.constant(SOURCE_NAME, count),
        "source_id": text.identifiers("D", deals.number, 7),
        "occurred_at": text.stamps(text.seconds(deals.created_at)),
        "recorded_at": text.stamps(known_from(scene)),
        "deleted_at": text.stamps(text.seconds(fates.deleted_at), ~fates.deleted_for_good),
        "name": text.join(" - ", account, text.names([name for name, _ in PRODUCTS], deals.product)),
        "closed_at": text.stamps(text.seconds(at), is_open),
        "observed_at": text.stamps(end),
    }
    for field, values in history.state.items():
        if field != "is_deleted":
            columns[COLUMN_OF_FIELD.get(field, field)] = values
    return pa.table(columns)


def link_table(scene: Scene) -> pa.Table:
    """Merged deals: their own identity until the merge, that of the deal before them from then on."""
    merged = np.flatnonzero(np.isfinite(scene.fates.merged_at))
    count = len(merged)
    number = np.repeat(scene.deals.number[merged], 2)
    into = number - np.tile([0, 1], count)
    at = np.repeat(text.seconds(scene.fates.merged_at[merged]), 2)
    is_after = np.tile([False, True], count)
    # An open end is null here and 'infinity' in the table: COPY has the word for it, Arrow does not.
    moment = text.stamps(at).cast(pa.string())
    return pa.table(
        {
            "entity": text.constant("deal", 2 * count),
            "source_name": text.constant(SOURCE_NAME, 2 * count),
            "source_id": text.identifiers("D", number, 7),
            "canonical_id": text.identifiers(f"{SOURCE_NAME}:D", into, 7),
            "valid_from": pc.if_else(pa.array(is_after), moment, "-infinity"),
            "valid_to": pc.if_else(pa.array(is_after), "infinity", moment),
        }
    )


def attribute_table(scene: Scene) -> pa.Table:
    """The partner's level, a column that only this source has, for deals with a partner."""
    rows = np.flatnonzero(scene.deals.partner >= 0)
    count = len(rows)
    return pa.table(
        {
            "entity": text.constant("deal", count),
            "source_name": text.constant(SOURCE_NAME, count),
            "source_id": text.identifiers("D", scene.deals.number[rows], 7),
            "name": text.constant(PARTNER_ATTRIBUTE, count),
            "value": text.names(scene.parameters.partner_levels, scene.deals.partner[rows]),
            "recorded_at": text.stamps(known_from(scene)[rows]),
        }
    )


def truth_table(scene: Scene, months: int) -> pa.Table:
    """Rows of truth.deal_win_probability: open deals at each month end and at the end of time."""
    parts = []
    for on in truth_dates(scene.clock, months):
        gone = scene.fates.gone(day_number(on) + 1.0)
        rows, probability = open_truth(scene.parameters, scene.deals, scene.journey, scene.clock, on, gone)
        parts.append((scene.deals.number[rows], np.full(len(rows), day_number(on), np.int32), probability))
    numbers, days, probabilities = (np.concatenate(column) for column in zip(*parts, strict=True))
    return pa.table(
        {
            "deal_id": text.identifiers(f"{SOURCE_NAME}:D", numbers, 7),
            "as_of_date": pa.array(days).cast(pa.date32()),
            "probability": pa.array(probabilities),
        }
    )
