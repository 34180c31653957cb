"""A model as one SELECT over its feature table: the kernel's figures, and a plan that workers may share."""

import numpy as np
from psycopg import sql

from revlayer_udf import compiler, frames, registry
from revlayer_udf.runtime import Scorer


def test_query_scores_the_feature_table_and_may_run_in_parallel(company):
    with company.connect("scorer") as conn:
        manifest, artefact = registry.require_champion(conn, "deal_win")
        query = sql.SQL(compiler.compile_model(artefact, manifest, form="case").query())
        found = frames.read_table(conn, query)
        rows = frames.read_table(conn, sql.SQL("select * from features.ftr_deals"))
        for setting in ("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size"):
            conn.execute(sql.SQL("set local {} = 0").format(sql.Identifier(setting)))
        plan = "\n".join(line for (line,) in conn.execute(sql.SQL("explain {}").format(query)).fetchall())
    # The relation has several rows for a deal, so both sides are compared in order of deal and score.
    expected = sorted(
        zip(rows["deal_id"].to_pylist(), Scorer(artefact, manifest).score(rows)["win_probability"][:, 0], strict=True)
    )
    ours = sorted(zip(found["deal_id"].to_pylist(), found["win_probability"].to_pylist(), strict=True))
    assert [deal for deal, _ in ours] == [deal for deal, _ in expected]
    np.testing.assert_allclose([p for _, p in ours], [p for _, p in expected], rtol=0, atol=1e-6)
    assert "Gather" in plan
