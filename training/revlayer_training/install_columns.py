"""What models of installs read: numbers, ratios of them, and texts by payer rate, spend and frequency.

Encodings of the rows that a model is fitted on are out of fold: a row's own outcome is in none of its columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from revlayer_training.features import Features
from revlayer_training.graph import Graph
from revlayer_training.preprocessing import TextEncoder, Texts
from revlayer_training.spelling import Spelling

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]
Mask = NDArray[np.bool_]

FOLDS = 5
# What is divided by what; a divisor below 1 counts as 1.
RATIOS = (
    ("store_view_count", "session_count"), ("progress_count", "session_count"), ("event_count", "session_count"),
    ("ad_impression_count", "session_count"), ("early_revenue", "early_purchase_count"),
)  # fmt: skip
# The variable install_platform_names of dbt_project.yml, as far as it is the product's own.
ALIASES = {
    "platform": (("iphone os", "ios"), ("ipados", "ios"), ("ipad os", "ios"), ("android os", "android")),
}
# Rows, and payers, that the mean counts for in a category's own.
_PRIOR_ROWS, _PRIOR_PAYERS = 200.0, 30.0


@dataclass(frozen=True)
class Rows:
    """Installs as heads take them, N each.

    Attributes:
        plain: numbers and ratios, float32 [N, P].
        texts: by name, in one spelling.
        matrix: ``plain`` with the encodings of texts, float32 [N, M].
    """

    plain: Matrix
    texts: Mapping[str, Texts]
    matrix: Matrix

    def without_ratios(self, columns: "InstallColumns") -> Matrix:
        """Return the columns of ``matrix`` that come from one feature each, float32 [N, M - ratios]."""
        return np.hstack([self.matrix[:, : len(columns.numbers)], self.matrix[:, self.plain.shape[1] :]])

    def take(self, rows: Mask | NDArray[np.int64]) -> "Rows":
        """Return some of the rows."""
        texts = {name: Texts(column.names, column.codes[rows]) for name, column in self.texts.items()}
        return Rows(self.plain[rows], texts, self.matrix[rows])


@dataclass(frozen=True)
class Tensors:
    """The same in a graph, with the columns that come from one feature each."""

    plain: str
    texts: Mapping[str, str]
    matrix: str
    without_ratios: str


@dataclass(frozen=True)
class InstallColumns:
    """Fitted on training rows; a category never seen has the mean encoding and frequency 0."""

    numbers: tuple[str, ...]
    ratios: tuple[tuple[str, str], ...]
    spellings: Mapping[str, Spelling]
    encoders: tuple[tuple[str, TextEncoder], ...]

    @classmethod
    def fit(cls, data: Features, revenue: Floats) -> tuple["InstallColumns", Rows]:
        """Return the columns and the rows they were fitted on, encoded out of fold.

        Args:
            revenue: label [N].
        """
        numbers = tuple(name for name in data.number_features if _differs(data.numbers[name]))
        ratios = tuple(pair for pair in RATIOS if set(pair) <= set(numbers))
        seen = [name for name in data.text_features if len(data.texts[name].seen()) > 1]
        spellings = {name: Spelling.fit(data.texts[name], ALIASES.get(name, ())) for name in seen}
        texts = {name: spelling.transform(data.texts[name]) for name, spelling in spellings.items()}
        columns = cls(numbers, ratios, spellings, _encoders(texts, revenue))
        plain = columns.plain(data)
        fold, encoded = data.entity % FOLDS, np.empty((len(data), len(columns.encoders)), np.float32)
        for k in range(FOLDS):
            held, others = fold == k, fold != k
            if held.any():
                encoders = _encoders(_taken(texts, others), revenue[others])
                encoded[held] = _encoded(_taken(texts, held), encoders)
        return columns, Rows(plain, texts, np.hstack([plain, encoded]))

    def rows(self, data: Features) -> Rows:
        """Return other rows."""
        texts = {name: spelling.transform(data.texts[name]) for name, spelling in self.spellings.items()}
        plain = self.plain(data)
        return Rows(plain, texts, np.hstack([plain, _encoded(texts, self.encoders)]))

    def plain(self, data: Features) -> Matrix:
        """Return numbers and ratios, float32 [N, P]."""
        with np.errstate(invalid="ignore", over="ignore"):
            ratios = [data.numbers[a] / _at_least_one(data.numbers[b]) for a, b in self.ratios]
        return np.column_stack([data.numeric(self.numbers), *ratios])

    def add_nodes(self, graph: Graph) -> Tensors:
        """Return the tensors; the numbers of the graph are those of the columns, at least one, in their order."""
        one, parts = graph.constant(1.0), ["numeric"]
        for a, b in self.ratios:
            divisor = graph.number(b)
            divisor = graph.add("Where", graph.add("Greater", divisor, one), divisor, one)
            parts.append(graph.add("Div", graph.number(a), divisor))
        plain = graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
        texts = {name: spelling.add_nodes(graph, graph.text(name)) for name, spelling in self.spellings.items()}
        encoded = [encoder.add_nodes(graph, texts[name]) for name, encoder in self.encoders]
        matrix = graph.add("Concat", plain, *encoded, axis=1) if encoded else plain
        single = graph.add("Concat", parts[0], *encoded, axis=1) if encoded else parts[0]
        return Tensors(plain, texts, matrix, single)


def _encoders(texts: Mapping[str, Texts], revenue: Floats) -> tuple[tuple[str, TextEncoder], ...]:
    paid = revenue > 0
    spend = np.log(revenue[paid])
    found = []
    for name, column in texts.items():
        found += [
            (name, TextEncoder.target(column, paid.astype(np.float64), _PRIOR_ROWS)),
            (name, TextEncoder.target(column.take(paid), spend, _PRIOR_PAYERS)),
            (name, TextEncoder.frequency(column)),
        ]
    return tuple(found)


def _encoded(texts: Mapping[str, Texts], encoders: Sequence[tuple[str, TextEncoder]]) -> Matrix:
    count = len(next(iter(texts.values()))) if texts else 0
    columns = [encoder.transform(texts[name]) for name, encoder in encoders]
    return np.column_stack(columns) if columns else np.empty((count, 0), np.float32)


def _taken(texts: Mapping[str, Texts], rows: Mask) -> dict[str, Texts]:
    return {name: column.take(rows) for name, column in texts.items()}


def _at_least_one(values: Matrix) -> Matrix:
    return np.where(values > 1, values, np.float32(1.0))


def _differs(column: Matrix) -> bool:
    known = column[~np.isnan(column)]
    return bool(len(known)) and bool(len(known) < len(column) or known.min() < known.max())
