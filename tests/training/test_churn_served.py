"""Churn in the registry: every rung is certified in every engine that is there, and serves with its tiers."""

from dataclasses import replace

import numpy as np
import pytest
from customer_rows import leavers

from revlayer_training.churn import fit_customer_churn
from revlayer_training.training import register
from revlayer_udf import certificate, registry


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
    assert manifest.extra["tiers"]["medium_from"] < manifest.extra["tiers"]["high_from"]
    assert manifest.extra["windows_days"] == {"contractual": 90, "noncontractual": 90}
