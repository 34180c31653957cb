"""Every query in docs/metrics.md runs for a reader and gives rows."""

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", TEXT, flags=re.DOTALL)
# The demonstration company has no backtest until one is asked for, and nobody in it has targets.
MAY_BE_EMPTY = (
    "marts.forecast_accuracy", "marts.deal_timing_calibration", "marts.forecast_value_added", "marts.target_attainment",
)  # fmt: skip


def test_there_are_queries():
    assert len(QUERIES) >= 10


@pytest.mark.parametrize("query", QUERIES, ids=[re.sub(r"\W+", " ", q)[:40].strip() for q in QUERIES])
def test_query_runs(company, query):
    with company.connect("reader") as conn:
        rows = conn.execute(query).fetchall()
    assert rows or any(name in query for name in MAY_BE_EMPTY)


def test_every_mart_is_explained(company):
    with company.connect("reader") as conn:
        names = [
            name
            for (name,) in conn.execute(
                "select table_name from information_schema.tables where table_schema = 'marts'"
            ).fetchall()
        ]
    assert len(names) > 15
    assert [name for name in names if f"`{name}`" not in TEXT and f"`{name}`," not in TEXT] == []
