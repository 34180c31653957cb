"""Features of installs do not depend on anything that became known after the day they were taken.

They are built from everything, and from a copy of the raw tables as they were on an earlier day. The same models are
held against a calculation in Python straight from the simulated tables.
"""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from install_rows import END as APP_END
from install_rows import NUMBERS, TEXTS, simulated
from psycopg import sql

from revlayer import dbt
from revlayer.simulator import simulate
from revlayer_training.installs import load_installs

END = date(2025, 12, 31)
DAYS = [date(2024, 8, 11), date(2025, 10, 5)]
TABLES = ("installs", "install_events", "install_ad_revenues", "exchange_rates")
#: Late, deleted and foreign rows.
MESS = (
    "update raw.install_events set"
    " recorded_at = case when random() < 0.3 then occurred_at + random() * interval '20 days' else recorded_at end,"
    " deleted_at = case when random() < 0.05 then occurred_at + random() * interval '60 days' end,"
    " currency_code = case when revenue_amount is null then null when random() < 0.5 then 'EUR' else currency_code end",
    "update raw.install_events set event_name = 'purchase', revenue_amount = 3, currency_code = 'USD'"
    " where event_name = 'level_up' and random() < 0.3",
    "update raw.install_ad_revenues set"
    " recorded_at = case when random() < 0.3 then occurred_at + random() * interval '20 days' else recorded_at end,"
    " deleted_at = case when random() < 0.05 then occurred_at + random() * interval '60 days' end",
    "update raw.installs set recorded_at = occurred_at + random() * interval '9 days' where random() < 0.1",
)
FORGET = (
    "delete from raw.{table} where greatest(coalesce(recorded_at, occurred_at, loaded_at), occurred_at) >= %(day)s",
    "update raw.{table} set deleted_at = null where deleted_at >= %(day)s",
)


def _build(database, as_of, folder):
    dbt.run(
        database.settings, ["run", "--select", "+ftr_installs", "+lbl_installs"], {"as_of_date": as_of.isoformat()},
        target_path=folder,
    )  # fmt: skip


@pytest.fixture(scope="module")
def raw(make_database):
    """A simulated app with messy rows, and nothing built."""
    database = make_database("replay_installs")
    with database.connect() as conn:
        simulate(conn, deals=250, seed=5, end_on=END, shoppers=40, installs=4_000)
        conn.execute("select setseed(0.25)")
        for text in MESS:
            conn.execute(text)
        conn.commit()
    return database


@pytest.fixture(scope="module")
def of_today(raw, make_database, tmp_path_factory):
    database = make_database("replay_installs_today", raw)
    _build(database, END, tmp_path_factory.mktemp("target"))
    return database


def _rows(database, relation, day):
    with database.connect("transformer") as conn:
        cursor = conn.execute(
            f"select to_jsonb(f) - 'as_of_date' from features.{relation} as f where f.{day[0]} <= %s"
            " order by f.install_id", [day[1]]
        )  # fmt: skip
        return {row["install_id"]: row for (row,) in cursor.fetchall()}


@pytest.mark.parametrize("day", [pytest.param(DAYS[0], marks=pytest.mark.slow), DAYS[1]], ids=str)
def test_features_do_not_see_the_future(raw, of_today, make_database, tmp_path_factory, day):
    past = make_database("replay_installs_past", raw)
    with past.connect() as conn:
        after = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
        for table in TABLES:
            for text in FORGET:
                conn.execute(sql.SQL(text).format(table=sql.Identifier(table)), {"day": after})
        conn.commit()
    _build(past, day, tmp_path_factory.mktemp("target"))
    expected, found = (_rows(database, "ftr_installs", ("reached_on", day)) for database in (past, of_today))
    assert len(found) > 1_000
    assert found == expected
    # The age of features and the window of the label are as wide apart on the day as they are today.
    then = _rows(past, "lbl_installs", ("revenue_known_on", day))
    assert len(then) > 1_000


def test_every_feature_was_put_to_the_test(of_today):
    rows = list(_rows(of_today, "ftr_installs", ("reached_on", DAYS[0])).values())
    seen = {name: {row[name] for row in rows} for name in rows[0]}
    assert {name for name, values in seen.items() if len(values) < 2} == {"source_name", "app_name"}


def test_models_and_python_agree(make_database, tmp_path_factory):
    database = make_database("installs_beside_python")
    app = simulated(4_000, seed=5, months=24)
    with database.connect() as conn:
        simulate(conn, deals=60, seed=5, months=24, end_on=APP_END, shoppers=500, installs=4_000)
        conn.commit()
    _build(database, APP_END, tmp_path_factory.mktemp("target"))
    with database.connect("scorer") as conn:
        found = load_installs(conn, APP_END)
    wanted = app.data()
    assert found.entity_ids.tolist() == wanted.entity_ids.tolist()
    assert set(found.number_features) == set(NUMBERS) and found.text_features == TEXTS
    for name in NUMBERS:
        assert np.allclose(found.numbers[name], wanted.numbers[name], rtol=1e-5), name
    for name in (*TEXTS, "segment_id"):
        assert found.texts[name].values().tolist() == wanted.texts[name].values().tolist(), name
    assert np.allclose(found.revenue, wanted.revenue, equal_nan=True)
    assert np.array_equal(found.revenue_known_on, wanted.revenue_known_on, equal_nan=True)
