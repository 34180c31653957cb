"""Post-transforms of scores, as ONNX Runtime computes them (ml_common.h), without PostgreSQL's range errors."""

from collections.abc import Sequence

from revlayer_udf.compiler.context import Context
from revlayer_udf.compiler.values import Cell, Kind, cell
from revlayer_udf.errors import UnsupportedOperator


def transformed(context: Context, where: str, name: str, scores: Sequence[Cell]) -> list[Cell]:
    """Return the scores after NONE, LOGISTIC or SOFTMAX.

    Raises:
        UnsupportedOperator: another transform. ONNX Runtime's PROBIT is an approximation of its own, and SOFTMAX_ZERO
            is not what the specification says.
    """
    if name == "NONE":
        return list(scores)
    if name == "LOGISTIC":
        return [logistic(context, score) for score in scores]
    if name == "SOFTMAX":
        return softmax(context, scores)
    raise UnsupportedOperator(where, f"its post_transform {name} has no translation")


def logistic(context: Context, score: Cell) -> Cell:
    """Return 1 / (1 + e^-x), which beyond 80 is 0 or 1 in float32."""
    return cell(
        "case when {0} = 'NaN'::float8 then {0} when {0} < '-80'::float8 then '0'::float8"
        " when {0} > '80'::float8 then '1'::float8 else '1'::float8 / ('1'::float8 + exp(- {0})) end",
        context.bind(score), exact=False, factors=1,
    )  # fmt: skip


def softmax(context: Context, scores: Sequence[Cell]) -> list[Cell]:
    """Return e^(x - largest) / their sum; NaN or an infinite score makes all NaN.

    e^-110 is zero as float32, and not so small that products of it leave the range of a double.
    """
    atoms = [context.exact(score, Kind.FLOAT) for score in scores]
    largest = context.bind(cell(f"greatest({_places(len(atoms))})", *atoms))
    powers = [
        context.bind(cell("exp(greatest({0} - {1}, '-110'::float8))", atom, largest, exact=False)) for atom in atoms
    ]
    total = context.bind(cell(" + ".join(f"{{{at}}}" for at in range(len(powers))), *powers, exact=False))
    return [cell("{0} / {1}", power, total, exact=False) for power in powers]


def _places(count: int) -> str:
    return ", ".join(f"{{{at}}}" for at in range(count))
