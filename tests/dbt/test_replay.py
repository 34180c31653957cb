"""Features of a past as-of date do not depend on anything that became known later.

They are built twice: from everything, and from a copy of the raw tables in which all later rows are gone
and every column that shows the sources' later state is overwritten. Every column must be equal, exactly.
"""

from datetime import UTC, date, datetime, timedelta

import pytest

from revlayer.simulator import simulate

END = date(2025, 12, 31)
DATES = [
    date(2024, 2, 29),
    *(pytest.param(day, marks=pytest.mark.slow) for day in (date(2022, 9, 30), date(2025, 11, 30))),
]
VARIABLES = {"deal_attribute_features": ["partner_level"]}


@pytest.fixture(scope="module")
def company(make_database, statements):
    """A small simulated company and a source without history, with nothing built."""
    database = make_database("replay")
    with database.connect() as conn:
        simulate(conn, deals=400, seed=5, end_on=END)
        conn.execute("select setseed(0.25)")
        for name, text in statements("replay.sql").items():
            if name.startswith("add_"):
                conn.execute(text)
        conn.commit()
    return database


@pytest.fixture(scope="module")
def of_today(company, make_database, build_features):
    """The same company with features built as of the last day."""
    database = make_database("replay_today", company)
    build_features(database, END.isoformat(), VARIABLES)
    return database


def _fetch(database, query, as_of):
    with database.connect("transformer") as conn:
        cursor = conn.execute(query, {"as_of_date": as_of})
        return [column.name for column in cursor.description], cursor.fetchall()


@pytest.mark.parametrize("as_of", DATES, ids=str)
def test_features_do_not_see_the_future(company, of_today, make_database, build_features, statements, as_of):
    replay = statements("replay.sql")
    past = make_database("replay_past", company)
    with past.connect() as conn:
        conn.execute("select setseed(0.5)")
        after = datetime.combine(as_of + timedelta(days=1), datetime.min.time(), UTC)
        touched = {
            name: conn.execute(text, {"day": after}).rowcount
            for name, text in replay.items()
            if name.startswith(("forget_", "reopen_", "restore_", "overwrite_"))
        }
        conn.commit()
    # Otherwise the comparison would prove nothing.
    assert touched["forget_deal_changes"] > 0 and touched["overwrite_deals"] > 0
    build_features(past, as_of.isoformat(), VARIABLES)

    names, expected = _fetch(of_today, replay["features"], as_of)
    past_names, found = _fetch(past, replay["features"], as_of)
    assert past_names == names
    assert {row[names.index("source_name")] for row in expected} == {"simulator", "export"}
    for expected_row, found_row in zip(expected, found, strict=True):
        differing = {
            name: (then, now) for name, then, now in zip(names, found_row, expected_row, strict=True) if then != now
        }
        assert not differing, f"{expected_row[0]}: (as known then, as computed today) {differing}"

    for name in ("closings", "removals"):
        assert _fetch(of_today, replay[name], as_of) == _fetch(past, replay[name], as_of), name
    labels = _fetch(past, replay["labels"], as_of)
    assert _fetch(of_today, replay["outcomes_of_the_day"], as_of) == labels
    # Some of that day's outcomes did not last: reopened, made cheaper, deleted.
    assert len(set(labels[1]) - set(_fetch(of_today, replay["labels"], as_of)[1])) >= 20


def test_a_label_is_known_only_after_its_features(of_today):
    """No deal is open in the features after its last closing became known."""
    with of_today.connect("transformer") as conn:
        row = conn.execute(
            "select count(*), count(*) filter (where f.as_of_date >= l.closed_known_on)"
            " from features.ftr_deals as f join features.lbl_deals as l using (deal_id)"
        ).fetchone()
    assert row[0] > 0 and row[1] == 0
