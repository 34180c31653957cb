"""Which features a model may read: those that differ between rows, and no more than a function of PostgreSQL takes."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TypeVar

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from revlayer_training.features import Features
from revlayer_training.preprocessing import TextEncoder
from revlayer_udf.signatures import MAX_ARGUMENTS

Floats = NDArray[np.float64]
AnyFeatures = TypeVar("AnyFeatures", bound=Features)
_MOST_ROWS = 50_000


def differing(data: Features) -> tuple[str, ...]:
    """Return the features with more than one value, a missing one counted as a value; numbers, then texts."""
    numbers = tuple(name for name in data.number_features if differs(data.numbers[name]))
    return numbers + tuple(name for name in data.text_features if len(data.texts[name].seen()) > 1)


def differs(column: NDArray[np.float32]) -> bool:
    """Whether a number column has more than one value, a missing one counted as a value."""
    known = column[~np.isnan(column)]
    return bool(len(known)) and bool(len(known) < len(column) or known.min() < known.max())


def choose_features(
    data: Features, y: Floats, seed: int = 1, most: int = MAX_ARGUMENTS, keep: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the features that differ; where they are too many, those that boosted trees gain most by.

    Args:
        data: rows to train on, and no others: what is tested later must not choose.
        y: their labels [N]; NaN where there is none.
        most: PostgreSQL's functions take so many arguments.
        keep: features the model needs in any case; they count towards ``most``.
    """
    found = differing(data)
    wanted = [name for name in found if name not in keep]
    room = max(most - len(keep), 0)
    if len(wanted) <= room:
        return found
    gains = _gains(data, wanted, y, seed)
    # Equal gains stand in the order of the features.
    best = {wanted[place] for place in np.argsort(-gains, kind="stable")[:room]}
    return tuple(name for name in found if name in best or name in keep)


def with_features(data: AnyFeatures, names: Collection[str]) -> AnyFeatures:
    """Return the same rows with these features only."""
    kept = set(names)
    return replace(
        data,
        number_features=tuple(name for name in data.number_features if name in kept),
        text_features=tuple(name for name in data.text_features if name in kept),
    )


def _gains(data: Features, names: Sequence[str], y: Floats, seed: int) -> Floats:
    labelled = np.flatnonzero(np.isfinite(y))
    rows = np.zeros(len(data), bool)
    rows[np.random.default_rng(seed).permutation(labelled)[:_MOST_ROWS]] = True
    part = data.take(rows)
    columns = [
        TextEncoder.ordinal(part.texts[name]).transform(part.texts[name])
        if name in part.text_features
        else part.numbers[name]
        for name in names
    ]
    is_binary = set(np.unique(y[rows])) <= {0.0, 1.0}
    settings = {
        "objective": "binary" if is_binary else "l2", "learning_rate": 0.1, "num_leaves": 15, "feature_fraction": 0.3,
        "seed": seed, "deterministic": True, "num_threads": 1, "force_row_wise": True, "verbosity": -1,
    }  # fmt: skip
    booster = lgb.train(settings, lgb.Dataset(np.column_stack(columns), y[rows]), num_boost_round=60)
    return np.asarray(booster.feature_importance("gain"), np.float64)
