"""Exact reasons of a few rows of the feature table, for whoever wants to know it precisely."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray
from psycopg import sql

from revlayer_udf import queries
from revlayer_udf.errors import FeatureError
from revlayer_udf.frames import read_table
from revlayer_udf.reasons.exact import exact_contributions
from revlayer_udf.reasons.linear import UnexplainedError
from revlayer_udf.registry import Model

_SQL = queries.load("revlayer_udf", "queries/reasons.sql")


@dataclass(frozen=True)
class ExactReasons:
    """Rows of one model, explained exactly.

    Attributes:
        rows: N rows of the feature table.
        base_score: float64 [N], what each score is before anything is known of its row but its kind.
        contributions: float64 [N, F] in the order of the manifest's features.
    """

    model: Model
    rows: pa.Table
    base_score: NDArray[np.float64]
    contributions: NDArray[np.float64]

    @property
    def entities(self) -> list[str]:
        """The key of each row."""
        return [str(value) for value in self.rows.column(self.model.manifest.entity_key).to_pylist()]

    def ranked(self, row: int, count: int) -> list[tuple[str, object, float]]:
        """Return label, value and contribution of a row's largest contributions; zeros are left out, and what is
        unknown of the row where the model has no reasons of that."""
        features, own = self.model.manifest.features, self.contributions[row]
        order = np.argsort(-np.abs(own), kind="stable")
        found = [
            (features[at].label, self.rows.column(features[at].name)[row].as_py(), float(own[at]))
            for at in order.tolist()
            if own[at] != 0
        ]
        skips = self.model.manifest.reasons_skip_unknown
        return [reason for reason in found if not skips or reason[1] not in {None, ""}][:count]


def explain_exactly(conn: psycopg.Connection, model: Model, as_of_date: date, entities: Sequence[str]) -> ExactReasons:
    """Read the chosen rows and split their raw scores by TreeSHAP.

    Raises:
        FeatureError: one of them is not in the feature table at that date.
        UnexplainedError: the model has no reasons; says why.
    """
    manifest = model.manifest
    columns = [manifest.entity_key, *(feature.name for feature in manifest.features)]
    query = sql.SQL(_SQL["chosen_rows"]).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        relation=sql.Identifier(*manifest.feature_relation.split(".")),
        as_of_date=sql.Literal(as_of_date),
        entity_key=sql.Identifier(manifest.entity_key),
        entities=sql.Literal(list(entities)),
    )
    rows = read_table(conn, query)
    missing = set(entities) - {str(value) for value in rows.column(manifest.entity_key).to_pylist()}
    if missing:
        raise FeatureError(
            f"{manifest.feature_relation} has no {manifest.entity_key} {', '.join(sorted(missing))} at {as_of_date}",
            "A deal has features while it is open, at month ends and at the as-of date of the last run.",
        )
    try:
        base, contributions = exact_contributions(model.artefact, manifest, rows)
    except UnexplainedError as error:
        raise UnexplainedError(f"{manifest.model_version} has no reasons: {error.message}") from None
    return ExactReasons(model, rows, base, contributions)
