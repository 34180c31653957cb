"""Encoders of text features and the linear model's number preparation, each with its ONNX nodes.

A null text is '' and is a category of its own when it was seen; a category never seen takes the default.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from revlayer_training.graph import ML_DOMAIN, Graph


@dataclass(frozen=True)
class Texts:
    """A text column as dictionary: row i has ``names[codes[i]]``; null is ''."""

    names: list[str]
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, values: Sequence[str | None]) -> "Texts":
        """Make a column from row values."""
        names, codes = np.unique([value or "" for value in values], return_inverse=True)
        return cls(names.tolist(), codes.astype(np.int64))

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: NDArray[np.bool_]) -> "Texts":
        """Return the rows of a mask."""
        return Texts(self.names, self.codes[rows])

    def values(self) -> NDArray[np.object_]:
        """Return row values as an object array."""
        return np.array(self.names, dtype=object)[self.codes] if len(self) else np.empty(0, object)

    def counts(self) -> NDArray[np.int64]:
        """Rows per name."""
        return np.bincount(self.codes, minlength=len(self.names))

    def seen(self) -> list[int]:
        """Codes that have rows, in text order."""
        return sorted(np.flatnonzero(self.counts()).tolist(), key=lambda code: self.names[code])


@dataclass(frozen=True)
class TextEncoder:
    """One number per category: ordinal, frequency or target encoding, by how it was fitted."""

    values: dict[str, float]
    default: float

    @classmethod
    def ordinal(cls, texts: Texts) -> "TextEncoder":
        """Number the categories in text order; unseen is -1."""
        return cls({texts.names[code]: float(i) for i, code in enumerate(texts.seen())}, -1.0)

    @classmethod
    def frequency(cls, texts: Texts) -> "TextEncoder":
        """Share of rows that have the category; unseen is 0."""
        shares = texts.counts() / max(len(texts), 1)
        return cls({texts.names[code]: float(shares[code]) for code in texts.seen()}, 0.0)

    @classmethod
    def target(cls, texts: Texts, y: NDArray[np.float64], prior_count: float = 50.0) -> "TextEncoder":
        """Mean label of the category, drawn to the overall mean, which counts as ``prior_count`` rows."""
        overall = float(np.mean(y)) if len(y) else 0.0
        sums = np.bincount(texts.codes, weights=y, minlength=len(texts.names))
        means = (sums + prior_count * overall) / (texts.counts() + prior_count)
        return cls({texts.names[code]: float(means[code]) for code in texts.seen()}, overall)

    def transform(self, texts: Texts) -> NDArray[np.float32]:
        """Return float32 [N]."""
        encoded = np.array([self.values.get(name, self.default) for name in texts.names], np.float32)
        return encoded[texts.codes] if len(texts) else np.empty(0, np.float32)

    def add_nodes(self, graph: Graph, text: str) -> str:
        """Encode a string [N, 1] tensor as float32 [N, 1]."""
        if not self.values:
            return graph.add(
                "LabelEncoder", text, domain=ML_DOMAIN, keys_strings=[""], values_floats=[self.default],
                default_float=self.default,
            )  # fmt: skip
        return graph.add(
            "LabelEncoder", text, domain=ML_DOMAIN, keys_strings=list(self.values),
            values_floats=list(self.values.values()), default_float=self.default,
        )  # fmt: skip


@dataclass(frozen=True)
class OneHotEncoder:
    """One 0/1 column per category seen often enough; any other category is all zeros."""

    categories: list[str]

    @classmethod
    def fit(cls, texts: Texts, minimum_count: int = 1) -> "OneHotEncoder":
        """Keep the categories with at least ``minimum_count`` rows."""
        counts = texts.counts()
        return cls([texts.names[code] for code in texts.seen() if counts[code] >= minimum_count])

    def transform(self, texts: Texts) -> NDArray[np.float32]:
        """Return float32 [N, categories]."""
        names = np.array(texts.names, dtype=object)[:, None]
        lookup = np.asarray(names == np.array(self.categories, dtype=object)[None, :], np.float32)
        return lookup[texts.codes]

    def add_nodes(self, graph: Graph, text: str) -> str:
        """Encode a string [N, 1] tensor as float32 [N, categories]."""
        cube = graph.add("OneHotEncoder", text, domain=ML_DOMAIN, cats_strings=self.categories, zeros=1)
        return graph.add("Reshape", cube, graph.constant([-1, len(self.categories)], np.int64))


@dataclass(frozen=True)
class NumberScaler:
    """Clip to the training range, standardise, fill nulls with the mean and flag them.

    ``transform`` gives the K scaled columns, then one 0/1 column for each feature that had nulls.
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    center: NDArray[np.float32]
    scale: NDArray[np.float32]
    flagged: list[int] = field(default_factory=list)

    @classmethod
    def fit(cls, numeric: NDArray[np.float32]) -> "NumberScaler":
        """Take range (0.5 % to 99.5 %), mean and spread of what is known."""
        known = ~np.isnan(numeric)
        columns = [numeric[mask, j].astype(np.float64) for j, mask in enumerate(known.T)]
        columns = [column if len(column) else np.zeros(1) for column in columns]
        low = np.array([np.quantile(column, 0.005) for column in columns])
        high = np.array([np.quantile(column, 0.995) for column in columns])
        clipped = [np.clip(column, *ends) for column, *ends in zip(columns, low, high, strict=True)]
        spread = np.array([column.std() for column in clipped])
        share = 1.0 - known.mean(axis=0) if len(numeric) else np.zeros(numeric.shape[1])
        return cls(
            low.astype(np.float32), high.astype(np.float32),
            np.array([column.mean() for column in clipped], np.float32),
            np.where(spread > 1e-9, spread, 1.0).astype(np.float32),
            np.flatnonzero((share > 0.01) & (share < 0.99)).tolist(),
        )  # fmt: skip

    def transform(self, numeric: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 [N, K + flagged]."""
        missing = np.isnan(numeric)
        filled = np.where(missing, self.center, numeric)
        clipped = np.minimum(np.maximum(filled, self.low), self.high)
        scaled = (clipped - self.center) / self.scale
        return np.hstack([scaled, missing[:, self.flagged].astype(np.float32)])

    def add_nodes(self, graph: Graph, numeric: str) -> str:
        """Do the same to a float32 [N, K] tensor."""
        missing = graph.add("IsNaN", numeric)
        filled = graph.add("Where", missing, graph.constant(self.center), numeric)
        raised = graph.add("Max", filled, graph.constant(self.low))
        clipped = graph.add("Min", raised, graph.constant(self.high))
        centered = graph.add("Sub", clipped, graph.constant(self.center))
        scaled = graph.add("Div", centered, graph.constant(self.scale))
        if not self.flagged:
            return scaled
        flags = graph.add("Cast", missing, to=1)
        kept = graph.add("Gather", flags, graph.constant(self.flagged, np.int64), axis=1)
        return graph.add("Concat", scaled, kept, axis=1)
