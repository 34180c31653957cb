"""Close timing without a model: shares of the classes of days to winning, by stage and month of the fiscal quarter.

Ten bin ends cut time into eleven classes. Where deals are hurried along before a quarter ends, and rest after it, what
is left of the quarter tells weeks apart that the stage alone makes alike.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_training.export import Artefact
from revlayer_training.features import Features
from revlayer_training.graph import ML_DOMAIN, Graph
from revlayer_training.ladder import Rung

OUTPUT = "within"
BIN_ENDS = (7, 14, 30, 45, 60, 90, 120, 180, 270, 365)
CLASSES = len(BIN_ENDS) + 1
Floats = NDArray[np.float64]
Bins = NDArray[np.int64]

STAGE, QUARTER = "stage_name", "days_to_quarter_end"
# Halfway between what month ends leave of a quarter: 0, 30 or 61 days, and the 91 that the one before it leaves. Models
# learn from month ends and score on any day, which counts to the nearest of them.
_MONTHS_LEFT_ABOVE = (15.0, 45.0)
_QUARTER_BEFORE_ABOVE = 76.0
_UNKNOWN_MONTH = 3
_MONTHS = 4  # 0 (a quarter's end), 1 or 2 months left, unknown
# Rows' worth of what a group's own shares are drawn to.
_PRIOR_ROWS = 30.0


@dataclass(frozen=True)
class StageTiming:
    """Cumulative distribution by stage and month of the quarter, drawn to the stage's, and that to all deals'.

    Attributes:
        stages: names, in order.
        within: [stages + 1, months, 10], probability at each bin end; the last row is for unseen stages. One month
            where the quarter is unknown or not asked for.
        rung: the prior has one distribution for all deals.
    """

    stages: tuple[str, ...]
    within: Floats
    rung: Rung

    @classmethod
    def fit(cls, data: Features, bins: Bins, rung: Rung) -> "StageTiming":
        """Count bins of the rows; half a row per class keeps every probability above 0."""
        overall = np.bincount(bins, minlength=CLASSES) + 0.5
        overall = overall / overall.sum()
        if rung == "prior":
            return cls((), np.cumsum(overall)[None, None, :-1], rung)
        texts = data.texts[STAGE]
        seen = texts.seen()
        place = np.zeros(len(texts.names), np.int64)
        place[seen] = np.arange(len(seen))
        counts = np.zeros((len(seen), _MONTHS if QUARTER in data.number_features else 1, CLASSES))
        np.add.at(counts, (place[texts.codes], _months_left(data), bins), 1.0)
        of_stages = _drawn(counts.sum(axis=1), overall)
        shares = np.concatenate([_drawn(counts, of_stages[:, None]), _drawn(counts.sum(axis=0), overall)[None]])
        return cls(tuple(texts.names[code] for code in seen), np.cumsum(shares, axis=-1)[..., :-1], rung)

    @property
    def numbers(self) -> tuple[str, ...]:
        """Number features that are asked for."""
        return (QUARTER,) if self.within.shape[1] > 1 else ()

    def predict(self, data: Features) -> Floats:
        """Return cumulative probabilities [N, 10]."""
        return np.asarray(self._flat(self.within)[self._lines(data)])

    def log_shares(self, data: Features) -> Floats:
        """Return the log of each class's share [N, 11]."""
        return np.asarray(self.log_share_table()[self._lines(data)])

    def log_share_table(self) -> Floats:
        """Return log shares, months within stages, [(stages + 1) x months, 11], as float32 holds them."""
        within = self._flat(self.within)
        padded = np.column_stack([np.zeros(len(within)), within, np.ones(len(within))])
        return np.log(np.maximum(np.diff(padded, axis=1), 1e-6)).astype(np.float32).astype(np.float64)

    def add_table(self, graph: Graph, table: Floats) -> str:
        """Pick each row's line of a table that has the lines of ``log_share_table``."""
        # A LabelEncoder needs a key: without stages any text gets the one line.
        names = list(self.stages) or [""]
        line = graph.add(
            "LabelEncoder", graph.text(STAGE), domain=ML_DOMAIN, keys_strings=names,
            values_int64s=list(range(len(self.stages))) or [0], default_int64=len(self.stages),
        )  # fmt: skip
        if self.numbers:
            first = graph.add("Mul", line, graph.constant(_MONTHS, np.int64))
            line = graph.add("Add", first, _add_months_left(graph))
        flat = graph.add("Reshape", line, graph.constant([-1], np.int64))
        return graph.add("Gather", graph.constant(table), flat, axis=0)

    def artefact(self) -> Artefact:
        """Export; the only features are the stage and what is left of the quarter."""
        graph = Graph(self.numbers, [STAGE])
        within = self.add_table(graph, self._flat(self.within))
        content = graph.serialize({OUTPUT: (within, len(BIN_ENDS))})
        algorithm = "overall_timing" if self.rung == "prior" else "stage_timing"

        def predict(data: Features) -> dict[str, Floats]:
            return {OUTPUT: self.predict(data)}

        return Artefact(content, predict, algorithm, self.rung, self.numbers, (STAGE,), (OUTPUT,), described_ends())

    def _lines(self, data: Features) -> Bins:
        texts, places = data.texts[STAGE], {name: place for place, name in enumerate(self.stages)}
        stage = np.array([places.get(name, len(self.stages)) for name in texts.names], np.int64)[texts.codes]
        return stage * _MONTHS + _months_left(data) if self.numbers else stage

    def _flat(self, table: Floats) -> Floats:
        return table.reshape(-1, table.shape[-1])


def described_ends() -> dict[str, object]:
    """Return what a manifest says of the bins."""
    return {"bin_ends_days": list(BIN_ENDS)}


def _drawn(counts: Floats, prior: Floats) -> Floats:
    """Return shares of counts along the last axis, drawn to a prior's."""
    return np.asarray((counts + _PRIOR_ROWS * prior) / (counts.sum(axis=-1, keepdims=True) + _PRIOR_ROWS))


def _months_left(data: Features) -> Bins:
    """Return months left of the quarter, [N]: 0 to 2, 3 where a row does not know; 0 where no row could."""
    if QUARTER not in data.number_features:
        return np.zeros(len(data), np.int64)
    days = data.numbers[QUARTER]
    left = np.searchsorted(_MONTHS_LEFT_ABOVE, days, side="left")
    left[days > _QUARTER_BEFORE_ABOVE] = 0
    left[np.isnan(days)] = _UNKNOWN_MONTH
    return left.astype(np.int64)


def _add_months_left(graph: Graph) -> str:
    """Do the same in a graph: int64 [N, 1]. No comparison holds for NaN."""
    days = graph.number(QUARTER)

    def times(condition: str, weight: int) -> str:
        return graph.add("Mul", graph.add("Cast", condition, to=7), graph.constant(weight, np.int64))

    def above(limit: float, weight: int) -> str:
        return times(graph.add("Greater", days, graph.constant(limit)), weight)

    parts = [above(limit, 1) for limit in _MONTHS_LEFT_ABOVE]
    parts += [above(_QUARTER_BEFORE_ABOVE, -len(_MONTHS_LEFT_ABOVE)), times(graph.add("IsNaN", days), _UNKNOWN_MONTH)]
    total = parts[0]
    for part in parts[1:]:
        total = graph.add("Add", total, part)
    return total
