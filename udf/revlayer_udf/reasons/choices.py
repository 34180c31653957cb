"""A raw score that is one sum where a condition holds and another where it does not: a model for each kind of row."""

from dataclasses import dataclass

from revlayer_udf.reasons.provenance import Provenance


@dataclass(frozen=True)
class Choice:
    """Tensors: ``yes`` where ``condition`` [N, 1] holds, else ``no``; each of them is a raw score of its own."""

    condition: str
    yes: str
    no: str


def choice(provenance: Provenance, raw: str) -> Choice | None:
    """Return what a raw score [N, 1] chooses between; None where it is one and the same for all rows."""
    node = provenance.producers.get(raw)
    while node is not None and node.op_type == "Identity":
        node = provenance.producers.get(node.input[0])
    # What comes from one feature alone is a column like any other, however it was filled in.
    if node is None or node.op_type != "Where" or provenance.single(raw) is not None:
        return None
    condition, yes, no = node.input
    columns = provenance.columns(condition)
    return Choice(condition, yes, no) if columns is not None and len(columns) == 1 else None
