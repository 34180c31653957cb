"""Calls, mails, meetings and tasks: a Poisson process on the working clock while a deal is open.

The rate depends on the deal's latent engagement, never on how it will end.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from revlayer.simulator import text
from revlayer.simulator.clock import Array, Index
from revlayer.simulator.close_dates import second_run
from revlayer.simulator.events import Scene
from revlayer.simulator.parameters import SOURCE_NAME

KINDS = ("call", "email", "meeting", "task")
KIND_SHARES = (0.27, 0.43, 0.2, 0.1)
CALL, MEETING, TASK = 0, 2, 3
MEETING_MINUTES = (30.0, 45.0, 60.0, 90.0)
ACCOUNT_ONLY_RATE = 0.002


def _times(scene: Scene, random: np.random.Generator, start: Array, stop: Array) -> tuple[Index, Array]:
    """Deal position and time of each activity between `start` and `stop`."""
    p, deals = scene.parameters, scene.deals
    begin, finish = scene.clock.to_work(start), scene.clock.to_work(np.maximum(stop, start))
    spread = p.activity_spread
    rate = p.activity_per_day * np.exp(spread * deals.engagement - spread**2 / 2)
    count = random.poisson(rate * (finish - begin))
    row = np.repeat(np.arange(len(deals)), count)
    moment = begin[row] + random.random(len(row)) * (finish - begin)[row]
    return row, scene.clock.to_calendar(moment)


def activity_table(scene: Scene, first_number: int) -> pa.Table:
    """Rows of raw.activities for a chunk, by deal and time; source ids count from `first_number`."""
    random, deals, cut = scene.random("activities"), scene.deals, scene.fates.cut
    row, at = _times(scene, random, deals.created_at, np.minimum(scene.fates.closed_first_at, cut))
    reopened, closed_again = second_run(scene.journey)
    start = np.minimum(reopened, cut)
    again_row, again_at = _times(scene, random, start, np.minimum(closed_again, cut))
    row, at = np.concatenate((row, again_row)), np.concatenate((at, again_at))
    order = np.lexsort((at, row))
    row, at = row[order], at[order]
    count = len(row)
    kind = random.choice(len(KINDS), count, p=KIND_SHARES)
    spoken = (kind == CALL) | (kind == MEETING)
    inbound = random.random(count) < 1 / (1 + np.exp(1 - 0.5 * deals.engagement[row]))
    no_direction = (kind == MEETING) | (kind == TASK)
    minutes = np.where(kind == MEETING, random.choice(MEETING_MINUTES, count), np.ceil(random.gamma(2.0, 6.0, count)))
    engaged = deals.flag_ever[row, 2] & (at >= deals.flag_at[row, 2])
    decision_maker = random.random(count) < np.where(engaged, 0.6, 0.04)
    objection = random.random(count) < 0.15
    at_seconds = text.seconds(at)
    lag = np.where(random.random(count) < scene.parameters.late_rate, random.uniform(1, 14, count), 0.0)
    recorded = at_seconds + (lag * text.DAY_SECONDS).astype(np.int64)
    recorded = np.where(recorded < scene.clock.end * text.DAY_SECONDS, recorded, at_seconds)
    return pa.table(
        {
            "source_name": text.constant(SOURCE_NAME, count),
            "source_id": text.identifiers("T", first_number + np.arange(count), 9),
            "occurred_at": text.stamps(at_seconds),
            "recorded_at": text.stamps(recorded),
            "deal_source_id": text.identifiers("D", deals.number[row], 7, random.random(count) < ACCOUNT_ONLY_RATE),
            "account_source_id": text.identifiers("A", deals.account[row] + 1, 6),
            "owner_source_id": text.identifiers("U", deals.owner[row] + 1, 5),
            "kind": text.names(KINDS, kind),
            "direction": text.names(("outbound", "inbound"), inbound.astype(np.int64), no_direction),
            "duration_minutes": pa.array(minutes, mask=~spoken),
            "is_decision_maker_present": pa.array(decision_maker, mask=~spoken),
            "has_objection_handled": pa.array(objection, mask=~spoken),
        }
    )
