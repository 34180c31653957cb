"""What is known of an artefact: its features, outputs, training window, evidence and hash."""

import hashlib
import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)

from revlayer_udf.errors import ArtefactError

Rung = Literal["prior", "shrinkage", "model"]
RUNGS: tuple[Rung, ...] = ("prior", "shrinkage", "model")
# An optional output that says per row which rung of the small-data ladder served it.
RUNG_OUTPUT = "rung"

Target = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=40)]
Column = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$", max_length=63)]
Relation = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}\.[a-z_][a-z0-9_]{0,62}$")]
_VERSION = re.compile(r"^(?P<target>[a-z0-9_]+?)__(?P<day>\d{8})__(?P<hash>[0-9a-f]{8})$")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Feature(_Strict):
    """One input column.

    Attributes:
        name: column of the feature relation.
        type: ``number`` goes into the input ``numeric`` as float32 (null = NaN), ``text`` into the input
            ``categorical`` (null = '').
        label: its name for people.
    """

    name: Column
    type: Literal["number", "text"]
    label: str = Field(min_length=1)


class Manifest(_Strict):
    """Strict: unknown keys, wrong types and NaN are refused.

    Attributes:
        model_version: ``<target>__<yyyymmdd>__<first 8 of the hash>``; the day is the training cutoff.
        rung: the rung of the ladder that this artefact is; rows may differ by the output ``rung``.
        feature_relation: ``schema.table`` it was trained on and is scored from.
        entity_key: column that identifies a row at an as-of date.
        features: in input order, numbers and texts each in their own.
        outputs: every output of the graph.
        raw_output: which of them is the raw score [N, 1] before calibration or link; reasons add up to it.
        trained_from_date, trained_through_date: as-of dates of the rows it learnt from; None without times.
        label_horizon_days: days after the as-of date within which the label is observed.
        thresholds: cut points by name.
        metrics: the figures worth showing beside the model; all of them are in scoring.model_metrics.
        is_temporal_evidence: it was evaluated on rows later than those it learnt from.
        beats_baseline: it did better there than the rung below it.
    """

    model_version: str
    target: Target
    algorithm: str = Field(min_length=1)
    rung: Rung
    feature_relation: Relation
    entity_key: Column
    features: tuple[Feature, ...] = Field(min_length=1, strict=False)
    outputs: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = Field(min_length=1, strict=False)
    raw_output: str | None = None
    trained_from_date: date | None
    trained_through_date: date | None
    label_horizon_days: int | None = Field(default=None, gt=0)
    thresholds: dict[str, float] = Field(default_factory=dict)
    metrics: dict[str, float | None] = Field(default_factory=dict)
    data_fingerprint: str = Field(min_length=1)
    artefact_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    is_temporal_evidence: bool
    beats_baseline: bool
    extra: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        found = _VERSION.match(self.model_version)
        if not found or found["target"] != self.target or found["hash"] != self.artefact_sha256[:8]:
            wanted = f"{self.target}__<yyyymmdd>__{self.artefact_sha256[:8]}"
            raise ValueError(f"model_version {self.model_version!r} is not {wanted}")
        cutoff = self.trained_through_date
        if cutoff is not None and found["day"] != f"{cutoff:%Y%m%d}":
            raise ValueError(f"model_version {self.model_version!r} does not carry the cutoff {cutoff}")
        names = [feature.name for feature in self.features]
        if len(set(names)) < len(names) or len(set(self.outputs)) < len(self.outputs):
            raise ValueError("a feature or an output stands twice")
        labels = [feature.label for feature in self.features]
        if len(set(labels)) < len(labels):
            raise ValueError("two features share a label, so a reason could not tell them apart")
        if self.raw_output is not None and self.raw_output not in self.outputs:
            raise ValueError(f"raw_output {self.raw_output!r} is not one of the outputs")
        if self.entity_key in names:
            raise ValueError(f"{self.entity_key} identifies the row, so it is no feature")
        return self

    @classmethod
    def of(cls, artefact: bytes, *, target: str, trained_on: date, **fields: Any) -> "Manifest":
        """Make the manifest of an artefact; version and hash are computed.

        Args:
            trained_on: the training cutoff; where the data have no times, the date of the data.
            fields: the other attributes.

        Raises:
            ArtefactError: an attribute is missing, unknown or malformed.
        """
        version = make_version(target, trained_on, artefact)
        known: dict[str, Any] = {
            "model_version": version,
            "target": target,
            "artefact_sha256": sha256(artefact),
        }
        try:
            return cls(**known, **fields)
        except ValidationError as error:
            raise ArtefactError(f"the manifest of {version} is malformed: {error}") from None

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Read what ``to_json`` wrote.

        Raises:
            ArtefactError: the text is no manifest of this version of revlayer.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ArtefactError(
                f"a stored manifest is malformed: {error}",
                "It was edited, or written by another version of revlayer. Run: revlayer train",
            ) from None

    def to_json(self) -> str:
        """Return JSON text, keys in the order above."""
        return self.model_dump_json()

    @property
    def predictions(self) -> tuple[str, ...]:
        """Every output but the raw score."""
        return tuple(name for name in self.outputs if name != self.raw_output)

    @property
    def reasons_skip_unknown(self) -> bool:
        """Whether what is unknown of a row is never one of its reasons (``extra``): unknown says that it has none."""
        return self.extra.get("reasons_skip_unknown") is True

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of number features in the order of the input ``numeric``."""
        return tuple(feature.name for feature in self.features if feature.type == "number")

    @property
    def texts(self) -> tuple[str, ...]:
        """Names of text features in the order of the input ``categorical``."""
        return tuple(feature.name for feature in self.features if feature.type == "text")


def sha256(artefact: bytes) -> str:
    """Return the hexadecimal SHA-256 of an artefact."""
    return hashlib.sha256(artefact).hexdigest()


def make_version(target: str, trained_on: date, artefact: bytes) -> str:
    """Return ``<target>__<yyyymmdd>__<first 8 of the hash>``; the same inputs give the same version."""
    return f"{target}__{trained_on:%Y%m%d}__{sha256(artefact)[:8]}"
