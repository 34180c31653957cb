"""The manifest that comes with a model of your own: a YAML file that says how its graph meets our columns."""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from revlayer.errors import RevlayerError

REFERENCE = re.compile(r"^(?P<output>.+?)(?:\[(?P<column>\d+)\])?$")
Default = float | int | str


class OwnModelError(RevlayerError):
    """A model or its manifest is not what it has to be: the message says what to change."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Input(_Strict):
    """One input of the graph: the feature columns that fill it, in order; [N, number of columns]."""

    columns: tuple[str, ...] = Field(min_length=1)


class Reference(_Strict):
    """One output of the graph, or a column of it.

    Attributes:
        output: its name in the graph.
        column: place of the column, from 0; None takes every column.
        class_label: name of a class instead of its place.
    """

    output: str
    column: int | None = Field(default=None, ge=0)
    class_label: str | int | None = Field(default=None, alias="class")

    @model_validator(mode="after")
    def _one_of_both(self) -> "Reference":
        if self.column is not None and self.class_label is not None:
            raise ValueError("give the column or the class, not both")
        return self


class Description(_Strict):
    """What a manifest file says.

    Attributes:
        target: what it predicts: deal_win, deal_value or deal_close_month.
        inputs: by name of the graph's input, its columns.
        null_defaults: by column, what stands for null; a number column without one passes NaN, a text column ''.
        class_labels: the classes in the order of the columns of a probability output; read from the graph where
            it names them.
        outputs: by name of our output, where it is found; several parts stand side by side.
        trained_through_date: last day of anything it learnt from, outcomes included.
        label_horizon_days: days within which a deal had to be won to count as won; default: as the serving model.
        labels: by column, its name for people.
    """

    target: Literal["deal_win", "deal_value", "deal_close_month"]
    algorithm: str = "own ONNX"
    feature_relation: Literal["features.ftr_deals"] = "features.ftr_deals"
    entity_key: Literal["deal_id"] = "deal_id"
    inputs: dict[str, Input] = Field(min_length=1)
    null_defaults: dict[str, Default] = Field(default_factory=dict)
    class_labels: tuple[str | int, ...] = ()
    outputs: dict[str, tuple[Reference, ...]] = Field(min_length=1)
    trained_from_date: date | None = None
    trained_through_date: date
    label_horizon_days: Annotated[int, Field(gt=0)] | None = None
    labels: dict[str, str] = Field(default_factory=dict)

    @field_validator("inputs", mode="before")
    @classmethod
    def _short_inputs(cls, value: Any) -> Any:
        """``name: column`` and ``name: [columns]`` stand for ``name: {columns: [...]}``."""
        if not isinstance(value, dict):
            return value
        return {name: _input(given) for name, given in value.items()}

    @field_validator("outputs", mode="before")
    @classmethod
    def _short_outputs(cls, value: Any) -> Any:
        """``name: probabilities[1]`` stands for ``name: {output: probabilities, column: 1}``; lists hold parts."""
        if not isinstance(value, dict):
            return value
        return {name: [_part(part) for part in (v if isinstance(v, list) else [v])] for name, v in value.items()}

    @property
    def columns(self) -> tuple[str, ...]:
        """Every feature column once, in order of first use."""
        return tuple(dict.fromkeys(column for given in self.inputs.values() for column in given.columns))

    def check_names(self) -> None:
        """Raise OwnModelError where null_defaults or labels name a column that no input uses.

        For after the columns are known to exist: a misspelt one is to be told of where it is misspelt.
        """
        for what, given in (("null_defaults", self.null_defaults), ("labels", self.labels)):
            unknown = sorted(set(given) - set(self.columns))
            if unknown:
                raise OwnModelError(
                    f"{what} names {', '.join(unknown)}, which no input uses",
                    f"The inputs use {', '.join(self.columns)}.",
                )

    @model_validator(mode="after")
    def _dates_in_order(self) -> "Description":
        if self.trained_from_date is not None and self.trained_from_date > self.trained_through_date:
            raise ValueError("trained_from_date is after trained_through_date")
        return self


class _Loader(yaml.SafeLoader):
    """YAML whose dates stay text, so that a wrong one is named with its field, and a label may look like a date."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_description(path: Path) -> Description:
    """Read a manifest file.

    Raises:
        OwnModelError: the file is no YAML mapping, or a field is missing, unknown or malformed; all are named.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a tag such as !!int may stand before anything
        raise OwnModelError(f"{path} is no YAML: {error}", "See examples/own_model/manifest.yml.") from None
    if not isinstance(content, dict):
        raise OwnModelError(f"{path} holds no mapping", "See examples/own_model/manifest.yml.")
    try:
        return Description.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'manifest'}: {item['msg']}" for item in error.errors()
        )
        raise OwnModelError(f"{path}: {problems}", "docs/models.md, Your own model, lists the fields.") from None


def _input(given: Any) -> Any:
    if isinstance(given, str):
        return {"columns": (given,)}
    return {"columns": tuple(given)} if isinstance(given, list) else given


def _part(part: Any) -> Any:
    if not isinstance(part, str):
        return part
    found = REFERENCE.match(part)
    if found is None:
        return {"output": part}
    return {"output": found["output"], "column": None if found["column"] is None else int(found["column"])}
