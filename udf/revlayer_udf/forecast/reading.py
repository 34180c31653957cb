"""From the feature tables and the serving models to the arrays of a forecast."""

from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray
from psycopg import sql

from revlayer_udf import queries, registry
from revlayer_udf.errors import UnknownModel
from revlayer_udf.forecast import fallbacks
from revlayer_udf.forecast.honesty import JUDGED_VERSION
from revlayer_udf.forecast.inputs import (
    ALL_SEGMENTS,
    UNKNOWN_SEGMENT,
    ClosedDeals,
    OpenDeals,
    sigma_of_interval,
)
from revlayer_udf.forecast.months import Days, Floats
from revlayer_udf.forecast.pipeline import KNOT_DAYS
from revlayer_udf.frames import read_batches, read_table
from revlayer_udf.manifest import Manifest
from revlayer_udf.runtime import Scorer
from revlayer_udf.targets import TARGETS as DEAL_TARGETS

TARGETS = ("deal_win", "deal_value", "deal_close_month")
FALLBACK = "fallback"
_OWN_COLUMNS = ("segment_id", "created_on", "expected_close_on", "forecast_amount", "stage_crm_probability")
_TEXT_COLUMNS = ("deal_id", "stage_name")
_NAME_COLUMNS = (*_TEXT_COLUMNS, "days_in_stage")
_CLOSE_COLUMNS = tuple(f"within_{days}d_probability" for days in KNOT_DAYS)


@dataclass(frozen=True)
class Served:
    """The serving models, loaded once and used for many as-of dates; a missing target has its fallback.

    Attributes:
        judged: the same with the models they were judged as, where one was fitted again since; else None.
    """

    scorers: dict[str, Scorer]
    manifests: dict[str, Manifest]
    judged: "Served | None" = None

    @property
    def judging(self) -> "Served":
        """What may be held against the past: a model fitted again with its test period has seen all of it."""
        return self.judged or self

    @property
    def version(self) -> str:
        """Versions of the three models in the order win, value, close month."""
        return " ".join(self.version_of(target) or FALLBACK for target in TARGETS)

    def version_of(self, target: str) -> str | None:
        """Version of the model of a target; None where its fallback serves."""
        manifest = self.manifests.get(target)
        return None if manifest is None else manifest.model_version

    @property
    def columns(self) -> list[str]:
        """Columns of ``features.ftr_deals`` that the models and the forecast read."""
        features = [feature.name for manifest in self.manifests.values() for feature in manifest.features]
        return list(dict.fromkeys([*_OWN_COLUMNS, *features]))


@dataclass(frozen=True)
class CrmView:
    """What the CRM itself says of the same open deals; all [N], null = NaN, NaT or an empty text.

    Attributes:
        deal_id, stage_name, days_in_stage: empty arrays unless they were asked for.
    """

    segment: NDArray[np.str_]
    amount: Floats
    stage_probability: Floats
    expected_close_on: Days
    deal_id: NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, dtype=object))
    stage_name: NDArray[np.str_] = field(default_factory=lambda: np.zeros(0, dtype=np.str_))
    days_in_stage: Floats = field(default_factory=lambda: np.zeros(0))


def load_served(conn: psycopg.Connection) -> Served:
    """Load the champion of each target that has one."""
    champions = {target: registry.champion(conn, target) for target in TARGETS}
    return serving(conn, {target: champion for target, champion in champions.items() if champion is not None})


def serving(conn: psycopg.Connection, models: Mapping[str, registry.Model]) -> Served:
    """Load models by target, and those they were judged as.

    Where one of these is gone, the model that serves judges the past from its own first honest date on: intervals are
    wide, but there is a forecast.
    """
    versions = {target: model.manifest.extra.get(JUDGED_VERSION) for target, model in models.items()}
    judged = {}
    for target, name in versions.items():
        with suppress(UnknownModel):
            if isinstance(name, str):
                judged[target] = registry.get(conn, name)
    return loaded(models, judged)


def loaded(models: Mapping[str, registry.Model], judged: Mapping[str, registry.Model]) -> Served:
    """Make scorers of models by target, and of those they were judged as."""
    return Served(
        {target: Scorer(model.artefact, model.manifest) for target, model in models.items()},
        {target: model.manifest for target, model in models.items()},
        loaded({**models, **judged}, {}) if judged else None,
    )


def has_open_deals(conn: psycopg.Connection, as_of: date) -> bool:
    """Tell whether the features of a date were built."""
    row = conn.execute(_statement("has_open_deals"), {"as_of": as_of}).fetchone()
    return bool(row and row[0])


def read_closed_deals(conn: psycopg.Connection, known_by: date) -> ClosedDeals:
    """Read the closings of deals as they were known on every day up to a date."""
    table = read_table(conn, _statement("closed_deals"), {"known_by": known_by})
    return ClosedDeals(
        _segments(table["segment_id"]),
        _days(table["created_on"]),
        _days(table["created_known_on"]),
        _days(table["closed_on"]),
        _days(table["known_from_on"]),
        _days(table["known_to_on"]),
        np.asarray(table["is_won"].to_numpy(), dtype=np.bool_),
        _numbers(table["amount"]),
    )


def read_open_deals(
    conn: psycopg.Connection, as_of: date, served: Served, closed: ClosedDeals, *, with_names: bool = False
) -> tuple[OpenDeals, CrmView]:
    """Read the deals open at a date and score them in memory, batch by batch.

    Args:
        closed: history, for the fallbacks; only what was known by ``as_of`` is used.
        with_names: read id, stage and days in it of every deal too.
    """
    names = _NAME_COLUMNS if with_names else ()
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in dict.fromkeys([*names, *served.columns]))
    query = sql.SQL(_statement("open_deals")).format(columns=columns)
    known = closed.known_by(as_of)
    # Closed even when a model refuses a row: the connection is busy until then.
    with closing(read_batches(conn, query, {"as_of": as_of})) as batches:
        parts = [_score(batch, served, known) | (_names(batch) if with_names else {}) for batch in batches]
    if not parts:
        parts = [_nothing() | {name: np.zeros(0, dtype=object) for name in names}]
    stacked = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    deals = OpenDeals(
        as_of,
        stacked["segment"],
        stacked["win"],
        stacked["value"],
        stacked["sigma"],
        stacked["within"],
        stacked["created_on"],
    )
    view = CrmView(stacked["segment"], stacked["amount"], stacked["stage"], stacked["expected_on"])
    if with_names:
        stage, days = stacked["stage_name"].astype(np.str_), stacked["days_in_stage"].astype(np.float64)
        view = replace(view, deal_id=stacked["deal_id"], stage_name=stage, days_in_stage=days)
    return deals, view


def _score(batch: pa.RecordBatch, served: Served, known: ClosedDeals) -> dict[str, np.ndarray]:
    scores = {target: DEAL_TARGETS[target].columns(scorer.score(batch)) for target, scorer in served.scorers.items()}
    amount, stage = _numbers(batch["forecast_amount"]), _numbers(batch["stage_crm_probability"])
    served_win = scores.get("deal_win")
    win = fallbacks.win_probability(stage, known) if served_win is None else served_win["win_probability"]
    if "deal_value" in scores:
        names = ("value_amount", "value_p10_amount", "value_p90_amount")
        value, low, high = (scores["deal_value"][name] for name in names)
        sigma = sigma_of_interval(low, high)
    else:
        value = fallbacks.value_mean(amount, known)
        sigma = np.full(len(batch), fallbacks.VALUE_SIGMA)
    if "deal_close_month" in scores:
        within = np.column_stack([scores["deal_close_month"][name] for name in _CLOSE_COLUMNS])
    else:
        within = fallbacks.close_cdf(len(batch), known)
    return {
        "segment": _segments(batch["segment_id"]), "created_on": _days(batch["created_on"]),
        "expected_on": _days(batch["expected_close_on"]), "amount": amount, "stage": stage,
        "win": win, "value": value, "sigma": sigma, "within": within,
    }  # fmt: skip


def _names(batch: pa.RecordBatch) -> dict[str, np.ndarray]:
    texts = {name: _plain(batch[name]).fill_null("").to_numpy(zero_copy_only=False) for name in _TEXT_COLUMNS}
    return texts | {"days_in_stage": _numbers(batch["days_in_stage"])}


def _nothing() -> dict[str, np.ndarray]:
    numbers = {name: np.zeros(0) for name in ("amount", "stage", "win", "value", "sigma")}
    days = {name: np.array([], "M8[D]") for name in ("created_on", "expected_on")}
    return {"segment": np.array([], "U1"), "within": np.zeros((0, len(KNOT_DAYS))), **numbers, **days}


def _statement(name: str) -> str:
    return queries.load("revlayer_udf", "forecast/queries.sql")[name]


def _numbers(column: pa.Array | pa.ChunkedArray) -> Floats:
    return np.asarray(_plain(column).to_numpy(zero_copy_only=False), dtype=np.float64)


def _days(column: pa.Array | pa.ChunkedArray) -> Days:
    return np.asarray(_plain(column).to_numpy(zero_copy_only=False), dtype="datetime64[D]")


def _segments(column: pa.Array | pa.ChunkedArray) -> NDArray[np.str_]:
    encoded = _plain(column).fill_null(UNKNOWN_SEGMENT).dictionary_encode()
    # The name of the total is reserved.
    names = [UNKNOWN_SEGMENT if name == ALL_SEGMENTS else name for name in encoded.dictionary.to_pylist()]
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    return np.array(names, dtype=np.str_)[codes] if names else np.array([], dtype="U1")


def _plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
