"""The mapping file: which file, which column, which type, which key. docs/importing.md is its tutorial."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

Name = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Header = Annotated[str, Field(min_length=1, max_length=1000)]
ValueType = Literal["text", "number", "boolean", "date", "timestamp"]
FeatureName = Annotated[str, Field(max_length=63, pattern=r"^[a-z][a-z0-9_]*$")]
KEY_COLUMNS = ("source_name", "source_id")
# Columns of customer snapshots that are features already, and what every row of training has besides its features.
SNAPSHOT_COLUMNS = (
    "activity_7d", "activity_30d", "time_since_last_use_days", "failed_renewals_30d", "tickets_7d", "tickets_30d",
    "plan_value", "usage_score", "region", "is_churned",
)  # fmt: skip
ROW_COLUMNS = ("snapshot_id", "customer_id", "as_of_date", "known_on", "label_known_on", "segment_id", "source_name")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _as_mapping(value: object) -> object:
    return {"from": value} if isinstance(value, str | list) else value


Headers = Annotated[list[Header], BeforeValidator(_as_list)]


class ValueSpec(_Part):
    """Where one value comes from and how it is read.

    Attributes:
        source: columns of the file; several are joined.
        constant: the same value on every row.
        type: checked against the target column; it is known from there when left out.
        date_format: strptime format; without it dates and times are ISO 8601.
        values: replaced before the type is read; null drops the value.
        default: taken where the file has nothing.
        required: a row without this value is rejected.
        references: raw table in which this key must exist.
        remove: characters taken out of numbers, such as a currency sign.
        multiply_by: for files in thousands or millions.
    """

    source: Annotated[list[Header], BeforeValidator(_as_list)] = Field(default_factory=list, alias="from")
    constant: str | None = None
    join: str = " "
    type: ValueType | None = None
    date_format: str | None = None
    values: dict[str, str | None] = Field(default_factory=dict)
    default: str | None = None
    required: bool = False
    references: Name | None = None
    decimal_mark: Literal[".", ","] = "."
    remove: str = ""
    multiply_by: str | None = Field(default=None, pattern=r"^-?[0-9]+(\.[0-9]+)?$")

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.source) == (self.constant is not None):
            raise ValueError("give either 'from' or 'constant'")
        return self


Value = Annotated[ValueSpec, BeforeValidator(_as_mapping)]


class Condition(_Part):
    """What a column of the file must hold for a row to count. Compared before any value map."""

    is_in: list[str] | None = Field(default=None, alias="in")
    not_in: list[str] | None = None
    is_empty: bool | None = Field(default=None, alias="empty")

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        if (self.is_in is None) + (self.not_in is None) + (self.is_empty is None) != 2:
            raise ValueError("give one of 'in', 'not_in', 'empty'")
        return self


def _as_condition(value: object) -> object:
    if isinstance(value, str):
        return {"in": [value]}
    return {"in": value} if isinstance(value, list) else value


When = dict[Header, Annotated[Condition, BeforeValidator(_as_condition)]]


class Change(_Part):
    """A row of ``<entity>_changes`` made from a row of the file: a field took a value at a time.

    Without ``at`` the time in the world is unknown and the change is known from ``exported_at``.
    """

    field: Name
    value: Value
    at: Value | None = None
    old_value: str | None = None
    when: When = Field(default_factory=dict)


class Key(_Part):
    """What tells rows apart: columns, or for files without any, the row's content and its occurrence."""

    columns: Headers = Field(default_factory=list)
    join: str = ":"
    content: bool = False

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.columns) == self.content:
            raise ValueError("give either 'columns' or 'content: true'")
        return self


def _as_key(value: object) -> object:
    return {"columns": value} if isinstance(value, str | list) else value


class Target(_Part):
    """One raw table filled from one file, or from rows written in the mapping itself.

    Attributes:
        repeats: what a key that comes again means: ``reject`` the row, or the ``same`` thing once more, as in a file of
            lines that repeats the head on each; then only a repetition with other values is rejected.
        may_differ: columns of which repetitions may have other values; that of the first line is taken.
        features: of customer snapshots: further features by name, each a text or a number.
    """

    table: Name
    file: str | None = Field(default=None, min_length=1, max_length=255)
    rows: list[dict[Header, str | None]] | None = None
    key: Annotated[Key, BeforeValidator(_as_key)]
    repeats: Literal["reject", "same"] = "reject"
    may_differ: list[Name] = Field(default_factory=list)
    when: When = Field(default_factory=dict)
    columns: dict[Name, Value]
    attributes: dict[Name, Header] = Field(default_factory=dict)
    changes: list[Change] = Field(default_factory=list)
    features: dict[FeatureName, Value] = Field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)

    @field_validator("attributes", mode="before")
    @classmethod
    def _named_after_their_columns(cls, value: Any) -> Any:
        return {name: name for name in value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.file is None) == (self.rows is None):
            raise ValueError("give either 'file' or 'rows'")
        kept = [name for name in (*KEY_COLUMNS, "loaded_at") if name in self.columns]
        if kept:
            raise ValueError(f"{kept[0]} is set by the importer (the key comes from 'key')")
        if self.may_differ and self.repeats != "same":
            raise ValueError("'may_differ' is of repetitions that are the same: set 'repeats: same'")
        if unknown := [name for name in self.may_differ if name not in self.columns]:
            raise ValueError(f"'may_differ' names {unknown[0]}, which is not one of 'columns'")
        if self.features and self.table != "customer_snapshots":
            raise ValueError("'features' are for customer_snapshots only; other tables take 'attributes'")
        if any(spec.type not in ("text", "number", None) for spec in self.features.values()):
            raise ValueError("a feature's type is text or number")
        if taken := [name for name in self.features if name in SNAPSHOT_COLUMNS]:
            raise ValueError(f"{taken[0]} is a column of customer_snapshots: map it under 'columns', not 'features'")
        if taken := [name for name in self.features if name in ROW_COLUMNS]:
            raise ValueError(f"a feature may not be called {taken[0]}, as every row has that: give it another name")
        return self

    @property
    def label(self) -> str:
        """How messages name the target."""
        return f"{self.table} from {self.file or 'rows'}"


class Mapping(_Part):
    """A whole mapping file."""

    source_name: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$")
    exported_at: datetime
    time_zone: str = "UTC"
    encoding: str = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    line_limit_bytes: int = Field(default=1_048_576, ge=1024, le=268_435_456)
    targets: list[Target] = Field(min_length=1)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"no time zone {value!r}; write one such as Europe/Berlin") from None
        return value

    @property
    def zone(self) -> ZoneInfo:
        """Zone of times that name none."""
        return ZoneInfo(self.time_zone)

    @property
    def exported(self) -> datetime:
        """Moment of the export, in UTC."""
        moment = self.exported_at
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).astimezone(UTC)
