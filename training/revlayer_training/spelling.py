"""One spelling of a text, in Python and as nodes of a graph: `iOS`, `ios` and ` IOS` are one.

Features are built that way already; this is for whoever calls a model with texts as they come. Letters of ASCII are
made small, one blank at each end is taken off. What was never seen has no spelling and becomes ``UNSEEN``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from revlayer_training.graph import ML_DOMAIN, Graph
from revlayer_training.preprocessing import Texts

UNSEEN = "(unseen)"
_SMALL = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True)
class Spelling:
    """What each way of writing a text stands for.

    Attributes:
        names: by the text in small letters, its one name.
    """

    names: dict[str, str]

    @classmethod
    def fit(cls, texts: Texts, aliases: Sequence[tuple[str, str]] = ()) -> "Spelling":
        """Know every text that was seen.

        Args:
            aliases: other names and what they stand for, in small letters; used where that was seen.
        """
        seen = sorted({_small(texts.names[code]) for code in texts.seen()})
        known = {name: name for name in seen} | {a: name for a, name in aliases if name in seen and a not in seen}
        blanks = ("{}", " {}", "{} ", " {} ")
        return cls({blank.format(text): name for text, name in known.items() for blank in blanks} | known)

    def transform(self, texts: Texts) -> Texts:
        """Return the texts by their names."""
        named = [self.names.get(_small(name), UNSEEN) for name in texts.names]
        names, places = np.unique(np.array(named, dtype=object).astype(str), return_inverse=True)
        return Texts(names.tolist(), places.astype(np.int64)[texts.codes] if len(texts) else texts.codes)

    def add_nodes(self, graph: Graph, text: str) -> str:
        """Do the same to a string [N, 1] tensor."""
        flat = graph.add("Reshape", text, graph.constant([-1], np.int64))  # the operator takes one dimension
        small = graph.add("StringNormalizer", flat, case_change_action="LOWER", locale="C")
        column = graph.add("Reshape", small, graph.constant([-1, 1], np.int64))
        return graph.add(
            "LabelEncoder", column, domain=ML_DOMAIN, keys_strings=list(self.names),
            values_strings=list(self.names.values()), default_string=UNSEEN,
        )  # fmt: skip


def _small(text: str) -> str:
    return text.translate(_SMALL)
