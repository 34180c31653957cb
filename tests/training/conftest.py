"""A small made-up history: deals with a hidden quality that a score shows with noise."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest

from revlayer_training.datasets import Dataset
from revlayer_training.preprocessing import Texts

NEVER = np.datetime64("NaT", "D")
Make = Callable[..., tuple[Dataset, date]]


@pytest.fixture(scope="session")
def make_history() -> Make:
    """Return a function (deals, months, signal, seed, win_intercept) -> (dataset, cutoff)."""
    return _history


def _history(
    deals: int = 3000, months: int = 36, signal: float = 1.0, seed: int = 1, win_intercept: float = -0.5
) -> tuple[Dataset, date]:
    rng = np.random.default_rng(seed)
    created = np.datetime64("2021-01-01") + rng.integers(0, months * 30, deals).astype("timedelta64[D]")
    segment, quality = rng.integers(0, 4, deals), rng.normal(size=deals)
    days = np.clip(rng.lognormal(4, 0.6, deals), 2, 300).astype(int)
    closed = created + days.astype("timedelta64[D]")
    margin = win_intercept + signal * (quality + 0.5 * (segment - 1.5))
    is_won = rng.random(deals) < 1 / (1 + np.exp(-margin))
    amount = np.exp(rng.normal(9, 1, deals))
    # Lists say little of some deals: what was agreed is far below.
    users = np.exp(np.abs(rng.normal(0, 0.6, deals)))
    first = np.datetime64("2021-01", "M")
    ends = (np.arange(first + 1, first + 1 + months)).astype("datetime64[D]") - np.timedelta64(1, "D")
    open_then = (created[None, :] <= ends[:, None]) & (closed[None, :] > ends[:, None])
    when, deal = np.nonzero(open_then)
    count, known = len(deal), closed[deal] <= ends[-1]
    numbers = {
        "deal_age_days": (ends[when] - created[deal]).astype(np.float32),
        "stage_crm_probability": np.where(rng.random(count) < 0.1, np.nan, 0.3 + 0.4 * rng.random(count)),
        "amount_reporting": np.where(rng.random(count) < 0.3, np.nan, amount[deal]),
        "list_value_reporting": np.where(rng.random(count) < 0.1, np.nan, amount[deal] * users[deal]),
        "lead_score": quality[deal] + 0.5 * rng.normal(size=count),
    }
    texts = {
        "stage_name": Texts.of(rng.choice(["A", "B", ""], count).tolist()),
        "segment_id": Texts.of([f"S{code}" for code in segment[deal]]),
    }
    won = is_won[deal] & known
    noise = np.exp(0.2 * rng.normal(size=deals))[deal]
    data = Dataset(
        numbers={name: np.asarray(column, np.float32) for name, column in numbers.items()},
        texts=texts,
        number_features=tuple(numbers),
        text_features=("stage_name",),
        entity=deal.astype(np.int64),
        entity_ids=np.array([f"d{number}" for number in deal], dtype=object),
        as_of=ends[when],
        created_on=created[deal],
        closed_on=np.where(known, closed[deal], NEVER),
        closed_known_on=np.where(known, closed[deal], NEVER),
        is_won=won,
        won_amount=np.where(won, amount[deal] * noise, np.nan),
        fingerprint="f" * 64,
    )
    return data, ends[-1].astype(object)
