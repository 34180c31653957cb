"""The plain arithmetic of a scenario, and what is refused with which words."""

from decimal import Decimal

import psycopg
import pytest
import scenario_world as world
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

several = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
OF = "select * from metrics.scenario_of(%s, %s, %s, %s, %s)"
decimals = st.decimals(-1, 5, places=4)


@pytest.fixture(scope="module")
def database(make_database):
    database = make_database("arguments")
    with database.connect("transformer") as conn:
        world.publish(conn, world.make(per_month=5.0), world.CYCLES)
    return database


@pytest.fixture(scope="module")
def reader(database):
    with database.connect("reader", autocommit=True) as conn:
        yield conn


def test_the_worked_example_to_the_cent(reader):
    found = reader.execute(OF, [450000, Decimal("0.30"), Decimal("0.10"), Decimal("0.05"), Decimal("0.15")]).fetchone()
    assert found == (Decimal("135000.00"), Decimal("179313.75"), Decimal("44313.75"), Decimal("32.8"))
    named = reader.execute(
        "select projected_amount, delta_percent from metrics.scenario_of(450000, p_win_rate => 0.3,"
        " p_win_rate_increase => 0.1, p_deal_size_increase => 0.05, p_pipeline_growth => 0.15)"
    ).fetchone()
    assert named == (Decimal("179313.75"), Decimal("32.8"))
    assert reader.execute("select * from metrics.scenario_of(450000, 0.3)").fetchone()[1:] == (135000, 0, 0)
    assert reader.execute("select * from metrics.scenario_of(0, 0.3)").fetchone() == (0, 0, 0, None)


@pytest.mark.identity
@given(st.decimals(0, 10**9, places=2), st.decimals(0, 1, places=4), decimals, decimals, decimals, st.data())
@several
def test_arithmetic_is_exact_and_rises(reader, pipeline, rate, win, size, growth, data):
    values = [win, size, growth]
    found = reader.execute(OF, [pipeline, rate, *values]).fetchone()
    wanted = pipeline * (1 + growth) * min(Decimal(1), rate * (1 + win)) * (1 + size)
    assert abs(found[1] - wanted) <= Decimal("0.005") and found[2] == found[1] - found[0]
    place = data.draw(st.integers(0, 2))
    values[place] = data.draw(st.decimals(values[place], 100, places=4))
    assert reader.execute(OF, [pipeline, rate, *values]).fetchone()[1] >= found[1]


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (0, -1, "p_pipeline_amount is -1"), (0, None, "p_pipeline_amount is null"),
        (1, 30, "p_win_rate is 30"), (1, Decimal("NaN"), "p_win_rate is NaN"),
        (2, Decimal("-1.01"), "p_win_rate_increase is -1.01"), (3, None, "p_deal_size_increase is null"),
        (4, Decimal("NaN"), "p_pipeline_growth is NaN"),
    ],
)  # fmt: skip
def test_impossible_figures_are_refused(reader, place, value, words):
    values = [450000, Decimal("0.3"), 0, 0, 0]
    values[place] = value
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=words) as error:
        reader.execute(OF, values)
    assert error.value.diag.message_hint


@pytest.mark.parametrize("name", world.NAMES)
@pytest.mark.parametrize("value", [-1.01, None, float("nan"), float("inf"), 1e300])
def test_impossible_changes_are_refused(reader, name, value):
    query = psycopg.sql.SQL("select * from metrics.scenario({} => %s)").format(psycopg.sql.Identifier(f"p_{name}"))
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=name) as error:
        reader.execute(query, [value])
    assert "0.1 is 10 % more" in error.value.diag.message_hint


@pytest.mark.parametrize(
    ("given", "words", "hint"),
    [
        ('{"Nowhere": {}}', 'no segment "Nowhere"', "Large / North"),
        ('{"(all)": {"price": 0.1}}', '"price" of', "win_rate_increase"),
        ('{"(all)": 0.1}', "not a JSON object", "win_rate_increase"),
        ('{"Large / North": {"cycle_change": -1}}', "not from -0.99 to 100", "10 % less"),
        ("[0.1]", "JSON object of segments", "win_rate_increase"),
        (None, "JSON object of segments", "win_rate_increase"),
    ],
)
def test_scenarios_that_cannot_be_meant_are_refused(reader, given, words, hint):
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=words) as error:
        reader.execute("select * from metrics.scenario_by_segment(%s::jsonb)", [given])
    assert hint in error.value.diag.message_hint


@pytest.mark.parametrize(
    ("empty", "words"),
    [
        ("revenue_forecast_parts", "no forecast is published"),
        ("revenue_forecast_horizon", "before there were scenarios"),
    ],
)
def test_without_a_forecast_the_error_says_how_to_make_one(database, empty, words):
    with database.connect("transformer") as conn:
        conn.execute(psycopg.sql.SQL("delete from marts.{}").format(psycopg.sql.Identifier(empty)))
        conn.execute("reset role")
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match=words) as error:
            conn.execute("select * from metrics.scenario()")
        assert "revlayer run" in error.value.diag.message_hint
        conn.rollback()


def test_all_or_nothing_are_possible(reader):
    for change in ("-1", "100"):
        rows = reader.execute(
            "select period_type, projected_amount, projected_p10_amount, projected_p90_amount, baseline_amount"
            " from metrics.scenario(%s, %s, %s, %s)", [change, change, change, "-0.99"]
        ).fetchall()  # fmt: skip
        assert len(rows) == 15 and all(row[1] >= 0 for row in rows)
    quantile = "select metrics.normal_quantile(p) from unnest(array[0.1, 0.5, 0.001, 0.975, 0, 1]::float8[]) p"
    found = [row[0] for row in reader.execute(quantile)]
    assert found[:4] == pytest.approx([-1.2815515655, 0, -3.0902323062, 1.9599639845], abs=1e-8)
    assert found[4:] == [None, None]
