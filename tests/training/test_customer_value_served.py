"""Customer value in the registry: every rung is certified in every engine that is there, and serves."""

from datetime import date

import numpy as np
import pytest
from purchase_rows import shop

from revlayer_training.customer_value import fit_customer_value
from revlayer_training.training import register
from revlayer_udf import certificate, registry

CUTOFF = date(2023, 12, 31)
LONG = ("2023-01-31", "2023-04-30", "2023-07-31", "2023-09-30", "2023-12-31")
SHORT = ("2023-09-30", "2023-12-31")


@pytest.mark.parametrize(
    ("customers", "dates", "rung"), [(1200, LONG, "model"), (500, SHORT, "shrinkage"), (30, LONG, "prior")]
)
def test_every_rung_is_certified_and_serves(database, customers, dates, rung):
    data = shop(customers).until(np.datetime64(CUTOFF)).rows(dates, 90, CUTOFF.isoformat())
    outcome = fit_customer_value(data, CUTOFF)
    assert outcome.served.rung == rung
    with database.connect() as conn:
        version = register(conn, outcome, outcome.served, data, CUTOFF)
        certificate.certify(conn, version)
        registry.promote(conn, version, outcome.decision.reason)
        status = dict(
            conn.execute(
                "select output || ' ' || first_engine || ' ' || second_engine, status from scoring.model_certificates"
                " where model_version = %s and second_engine = 'sql'", [version]
            ).fetchall()
        )  # fmt: skip
        assert {"value trained sql", "value_p10 trained sql", "value_p90 trained sql"} <= set(status)
        assert set(status.values()) == {"equal"}
        manifest = registry.require_champion(conn, "customer_value").manifest
    assert manifest.entity_key == "customer_id"
    assert manifest.extra["horizon_days"] == 90
    if rung != "prior":
        assert set(manifest.extra["purchasing"]) == {"r", "alpha", "a", "b", "p", "q", "gamma"}
