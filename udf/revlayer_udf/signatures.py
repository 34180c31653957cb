"""Names, arguments and columns of the prediction functions: the same whichever engine they are installed with.

Of a target ``deal_win``: ``scoring.predict_deal_win`` scores one row, ``scoring.predict_deal_win_rows`` one array per
feature, ``scoring.explain_deal_win`` one row with its reasons.
"""

from dataclasses import dataclass
from typing import NamedTuple

import onnx

from revlayer_udf.errors import ArtefactError, FeatureError
from revlayer_udf.manifest import RUNG_OUTPUT, Manifest

MAX_ARGUMENTS = 100  # PostgreSQL's FUNC_MAX_ARGS
REASON_COUNT = 3
MAX_NAME_BYTES = 63
NUMBER, TEXT = "double precision", "text"


class Column(NamedTuple):
    """One argument or result column; ``type`` as PostgreSQL prints it."""

    name: str
    type: str


def _reason_columns() -> tuple[Column, ...]:
    columns = [Column("base_score", NUMBER), Column("raw_score", NUMBER)]
    for rank in range(1, REASON_COUNT + 1):
        columns += [Column(f"reason_{rank}", TEXT), Column(f"reason_{rank}_contribution", NUMBER)]
    return tuple(columns)


REASON_COLUMNS = _reason_columns()


@dataclass(frozen=True)
class Function:
    """One function of the schema scoring. An argument left out is null: unknown, for all rows where it is an array."""

    name: str
    arguments: tuple[Column, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Signatures:
    """The functions of one model; ``explain`` is None where it has no raw score."""

    row: Function
    rows: Function
    explain: Function | None

    @classmethod
    def of(cls, artefact: bytes, manifest: Manifest, name: str | None = None) -> "Signatures":
        """Derive them from a model.

        Args:
            name: stands for the target in the functions' names; None takes the target.

        Raises:
            FeatureError: more features than a function takes, or one is named like a column of the result, or longer
                than PostgreSQL's names; or the target is named like another's set function.
            ArtefactError: the width of an output is not fixed.
        """
        label = name or manifest.target
        if label.endswith("_rows"):
            raise FeatureError(
                f"scoring.predict_{label} is the set function of another target, {label.removesuffix('_rows')}",
                "Give the target a name that does not end in _rows.",
            )
        arguments = tuple(Column(each.name, NUMBER if each.type == "number" else TEXT) for each in manifest.features)
        if len(arguments) > MAX_ARGUMENTS:
            raise FeatureError(
                f"{manifest.model_version} has {len(arguments)} features; a function takes at most {MAX_ARGUMENTS}",
                "Score it by the job (revlayer score), or train with fewer features.",
            )
        columns = _columns(artefact, manifest)
        arrays = tuple(Column(each.name, f"{each.type}[]") for each in arguments)
        return cls(
            _checked(Function(f"predict_{label}", arguments, columns)),
            _checked(Function(f"predict_{label}_rows", arrays, (Column("row_number", "bigint"), *columns))),
            _checked(Function(f"explain_{label}", arguments, REASON_COLUMNS)) if manifest.raw_output else None,
        )


def output_columns(name: str, width: int) -> tuple[Column, ...]:
    """Return the result columns of one output: its name, or ``name_1`` to ``name_<width>``."""
    if name == RUNG_OUTPUT:
        return (Column(name, TEXT),)
    if width == 1:
        return (Column(name, NUMBER),)
    return tuple(Column(f"{name}_{place}", NUMBER) for place in range(1, width + 1))


def _columns(artefact: bytes, manifest: Manifest) -> tuple[Column, ...]:
    outputs = {output.name: output for output in onnx.load_model_from_string(artefact).graph.output}
    found: list[Column] = []
    for name in manifest.predictions:
        shape = outputs[name].type.tensor_type.shape.dim if name in outputs else []
        width = shape[1].dim_value if len(shape) > 1 else 1
        if name not in outputs or not width:
            raise ArtefactError(
                f"{manifest.model_version}: the output {name} has no fixed width", "Export the model again."
            )
        found += output_columns(name, width)
    return tuple(found)


def _checked(function: Function) -> Function:
    names = [column.name for column in (*function.arguments, *function.columns)]
    for name in names:
        if len(name.encode()) > MAX_NAME_BYTES:
            raise FeatureError(
                f"scoring.{function.name} cannot have a parameter {name}: PostgreSQL cuts names at "
                f"{MAX_NAME_BYTES} bytes",
                "Give the feature, or the output, a shorter name.",
            )
        if names.count(name) > 1:
            raise FeatureError(
                f"scoring.{function.name} would have two parameters named {name}: features and results share names",
                "Rename the column in the feature relation and train again, or export the output by another name.",
            )
    return function
