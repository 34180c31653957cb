"""Churn in the registry: every rung is certified in every engine that is there, and serves with its tiers."""

from dataclasses import replace

import numpy as np
import psycopg
import pytest
from customer_rows import leavers
from psycopg import sql

from revlayer_training.churn import fit_customer_churn
from revlayer_training.shap_agreement import frame
from revlayer_training.training import register
from revlayer_udf import certificate, functions, registry
from revlayer_udf.reasons import ReasonScorer


@pytest.mark.parametrize(("customers", "dates", "rung"), [(900, 8, "model"), (900, 2, "shrinkage"), (30, 8, "prior")])
def test_every_rung_is_certified_and_serves(database, customers, dates, rung):
    data, cutoff = leavers(customers, dates)
    # Some numbers are known of few: trees ask whether they are.
    days = data.numbers["days_since_last_order"].copy()
    days[::3] = np.nan
    data = replace(data, numbers={**data.numbers, "days_since_last_order": days})
    outcome = fit_customer_churn(data, cutoff)
    assert outcome.served.rung == rung
    with database.connect() as conn:
        version = register(conn, outcome, outcome.served, data, cutoff)
        certificate.certify(conn, version)
        registry.promote(conn, version, outcome.decision.reason)
        status = dict(
            conn.execute(
                "select output || ' ' || first_engine || ' ' || second_engine, status from scoring.model_certificates"
                " where model_version = %s and second_engine = 'sql'",
                [version],
            ).fetchall()
        )
        assert "churn_probability trained sql" in status
        assert set(status.values()) == {"equal"}
        manifest = registry.require_champion(conn, "customer_churn").manifest
    assert manifest.entity_key == "customer_id"
    for found in manifest.extra["tiers"].values():
        assert found["medium_from"] < found["high_from"]
    assert manifest.extra["windows_days"] == {"contractual": 90, "noncontractual": 90}


def test_a_model_beside_a_rate_is_certified_and_tells_its_reasons_alike(database):
    """One artefact: contracts by a model, shoppers by their rate; the function in SQL says what the job says."""
    data, cutoff = leavers(1200, level=-2.0, shop_level=0.0, shop_signal=0.0)
    data.numbers["tickets_30d"][::3] = np.nan
    outcome = fit_customer_churn(data, cutoff)
    assert outcome.served.extra["rungs"] == {"contractual": "model", "noncontractual": "shrinkage"}
    with database.connect() as conn:
        version = register(conn, outcome, outcome.served, data, cutoff)
        certificate.certify(conn, version)
        registry.promote(conn, version, outcome.decision.reason)
        pairs = conn.execute(
            "select distinct output, status from scoring.model_certificates"
            " where model_version = %s and first_engine = 'trained' and second_engine in ('onnxruntime', 'sql')",
            [version],
        ).fetchall()
        assert {(output, "equal") for output in ("churn_probability", "raw_score", "rung")} == set(pairs) - {
            ("raw_score", "not_available")
        }
        model = registry.get(conn, version)
        functions.install(conn, model.manifest.target, "sql")
        rows = frame(data.take(np.arange(len(data)) % 199 == 0), model.manifest)
        expected = ReasonScorer(model.artefact, model.manifest).score(rows)
        top = expected.top(3)
        for place, row in enumerate(rows.to_pylist()):
            base, raw, *reasons = explained_by_sql(conn, row)
            assert (base, raw) == pytest.approx(
                (expected.base_score[place], expected.raw_score[place]), rel=1e-5, abs=1e-5
            )
            shown = [label.replace(" ", "_") for label in reasons[::2] if label]
            assert all(row[name] is not None for name in shown) and len(shown) == (top.codes[place] >= 0).sum()
            sizes = [abs(value) for value in reasons[1::2] if value is not None]
            wanted = np.abs(top.contributions[place][top.codes[place] >= 0])
            np.testing.assert_allclose(sizes, wanted, rtol=1e-3, atol=1e-5)


def explained_by_sql(conn: psycopg.Connection, row: dict[str, object]) -> tuple[object, ...]:
    arguments = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Literal(value)) for name, value in row.items()
    )
    found = conn.execute(sql.SQL("select * from scoring.explain_customer_churn({})").format(arguments)).fetchone()
    assert found
    return found
