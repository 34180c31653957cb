"""What planning.close_month takes from the marts, and what it refuses; on marts made by hand by dbt's role."""

import psycopg
import pytest

MARTS = """
create table marts.fct_mrr_monthly as select * from planning.closed_mrr;
create table marts.fct_mrr_movements as select * from planning.closed_mrr_movements;
create table marts.fct_mrr_movements_reporting as select * from planning.closed_mrr_movements_reporting;
create table marts.revenue_to_date_monthly as select * from planning.closed_revenue;
alter table marts.fct_mrr_monthly drop column closing_id;
alter table marts.fct_mrr_movements drop column closing_id;
alter table marts.fct_mrr_movements_reporting drop column closing_id;
alter table marts.revenue_to_date_monthly drop column closing_id;
create table marts.accounting_months as
select month_start_on::date, date '2025-01-31' as as_of_date, text 'USD' as known_currency_code
from generate_series(timestamp '2024-11-01', '2025-01-01', interval '1 month') as month_start_on;
create table marts.closing_inputs (model_name text, invocation_id text, is_of_last_build boolean);
insert into marts.closing_inputs values ('accounting_months', 'b', true);
insert into marts.fct_mrr_monthly
select month_start_on, 'A', 'USD', null, null, 100, 1200, 100, 100, 1200, 100, '2024-11-01'
from marts.accounting_months;
insert into marts.fct_mrr_movements values ('2024-11-01', 'A', 'USD', 'new', 'new', 100);
insert into marts.fct_mrr_movements_reporting values ('2024-11-01', 'A', 'new', 'new', 100);
insert into marts.revenue_to_date_monthly
select month_start_on, 'A', 'USD', 10, 10, 10, 10, 10, 10, 0, 0 from marts.accounting_months;
"""
#: In place of a mart: a view whose function leaves behind whose rights it had.
ATTACK = """
create table marts.seen (who text);
create function marts.look() returns integer language plpgsql volatile as $$
begin
    {deed};
    return 0;
end $$;
grant insert on marts.seen to public;
alter table {table} rename to kept;
create view {table} as select * from marts.kept where marts.look() = 0;
"""
CLOSE = "select planning.close_month('2024-12-01', 'a note')"
TABLES = ("marts.accounting_months", "marts.closing_inputs", "marts.fct_mrr_monthly", "marts.revenue_to_date_monthly")


@pytest.fixture
def marts(database):
    with database.connect("transformer") as conn:
        conn.execute(MARTS)
    return database


def _close(database, statement: str = CLOSE) -> int:
    with database.connect("planner") as conn:
        [number] = conn.execute(statement).fetchone()
        conn.commit()
    return number


def _value(database, statement: str):
    with database.connect() as conn:
        return conn.execute(statement).fetchone()


def test_figures_are_frozen_as_the_marts_have_them(marts):
    number = _close(marts)
    assert _value(
        marts,
        "select (select array_agg(mrr_amount::int) from planning.closed_mrr), first_month_start_on::text,"
        " mrr_row_count, revenue_row_count, mrr_reporting_amount::int, recognised_reporting_amount::int,"
        " reporting_currency_code, note"
        " from planning.month_closings",
    ) == ([100, 100], "2024-11-01", 2, 2, 100, 10, "USD", "a note")
    assert _value(marts, f"select planning.is_intact({number})") == (True,)


@pytest.mark.parametrize("table", TABLES)
def test_code_in_a_mart_never_has_the_owners_rights(marts, table):
    with marts.connect("transformer") as conn:
        conn.execute(ATTACK.format(deed="insert into marts.seen values (current_user)", table=table))
    _close(marts)
    with marts.connect() as conn:
        assert conn.execute("select distinct who from marts.seen").fetchall() == [("revlayer_reader",)]


@pytest.mark.parametrize("deed", ["insert into planning.month_reopenings (closing_id, reason) values (1, 'x')",
                                  "alter table planning.closed_mrr disable trigger user",
                                  "perform set_config('role', 'revlayer_owner', false)"])  # fmt: skip
def test_code_in_a_mart_cannot_do_what_the_owner_can(marts, deed):
    with marts.connect("transformer") as conn:
        conn.execute(ATTACK.format(deed=deed, table="marts.fct_mrr_monthly"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        _close(marts)
    assert _value(marts, "select count(*) from planning.month_closings") == (0,)


@pytest.mark.parametrize("table", TABLES)
def test_code_in_a_mart_cannot_choose_the_owners_functions(marts, table):
    with marts.connect("transformer") as conn:
        deed = "perform set_config('search_path', 'marts, pg_catalog', false)"
        conn.execute(ATTACK.format(deed=deed, table=table))
        conn.execute(
            "create function marts.btrim(text) returns text language plpgsql as $$ begin"
            " insert into marts.seen values (current_user); return $1; end $$"
        )
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="settings"):
        _close(marts)


def test_types_of_the_session_do_not_stand_in_for_the_databases(marts):
    """A temporary type named like one of PostgreSQL's would have its checks run with the owner's rights."""
    with marts.connect("planner") as conn:
        conn.execute(
            "create table pg_temp.seen (who text);"
            "create function pg_temp.look() returns boolean language plpgsql as $$ begin"
            " insert into pg_temp.seen values (current_user); return true; end $$;"
            "grant all on pg_temp.seen to public;"
        )
        for name, base in (("date", "date"), ("text", "text"), ("bytea", "bytea"), ("jsonb", "jsonb")):
            conn.execute(f"create domain pg_temp.{name} as pg_catalog.{base} check (pg_temp.look())")
        conn.execute("select planning.close_month('2024-12-01'::pg_catalog.date, null)")
        conn.execute("select planning.is_intact(closing_id) from planning.month_closings")
        assert conn.execute("select who from pg_temp.seen where who <> current_user").fetchall() == []


def test_every_function_with_its_owners_rights_looks_up_types_in_the_catalogue_first(database):
    with database.connect() as conn:
        found = conn.execute(
            "select oid::regprocedure::text from pg_proc where prosecdef and pronamespace::regnamespace::text in"
            " ('planning', 'audit', 'metrics', 'scoring') and not 'search_path=pg_catalog, pg_temp' = any(proconfig)"
        ).fetchall()
    assert found == []


@pytest.mark.parametrize("role", ["planner", "transformer", "loader", "scorer", "reader"])
def test_no_role_calls_what_reads_the_marts_for_closings(marts, role):
    with marts.connect(role) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("select * from planning.marts_built()")


@pytest.mark.parametrize(
    ("month", "why"),
    [
        ("-infinity", "is not the first day"),
        ("infinity", "is not the first day"),
        ("2024-12-02", "is not the first day"),
        ("0001-01-01 BC", "0001-01 has no figures: the first month with any is 2024-11"),
        ("1925-01-01", "1925-01 has no figures"),
        ("2024-10-01", "2024-10 has no figures"),
    ],
)
def test_only_months_with_figures_can_be_closed(marts, month, why):
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=why):
        _close(marts, f"select planning.close_month('{month}')")


@pytest.mark.parametrize("month", ["-infinity", "infinity", "1825-01-01", "2024-12-02"])
def test_no_closing_has_a_month_that_is_none(database, month):
    with database.connect() as conn, pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(
            "insert into planning.month_closings (month_start_on, first_month_start_on, as_of_date,"
            " reporting_currency_code, mrr_row_count, movement_row_count, revenue_row_count, mrr_reporting_amount,"
            " arr_reporting_amount, recognised_reporting_amount, frozen_sha256, audit_event_id)"
            " values (%(month)s, %(month)s, '2025-01-31', 'USD', 0, 0, 0, 0, 0, 0, '', 1)",
            {"month": month},
        )


def test_models_of_another_build_are_named(marts):
    with marts.connect("transformer") as conn:
        conn.execute("insert into marts.closing_inputs values ('int_late', 'a', false)")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="of another build are int_late"):
        _close(marts)


@pytest.mark.parametrize(
    "change",
    [
        "update planning.closed_mrr set mrr_amount = mrr_amount + 1",
        "update planning.closed_mrr set month_start_on = '2024-10-01' where month_start_on = '2024-11-01'",
        "delete from planning.closed_revenue where month_start_on = '2024-11-01'",
        "update planning.month_closings set mrr_reporting_amount = 1",
        "update planning.month_closings set as_of_date = '2025-01-30'",
        "update planning.month_closings set note = 'another'",
        "update planning.month_closings set closed_by = 'another'",
        # With a digest that fits.
        "update planning.closed_mrr set mrr_amount = mrr_amount + 1;"
        "update planning.month_closings as c set frozen_sha256 = planning.frozen_digest(c)",
    ],
)
def test_what_was_changed_behind_the_triggers_shows(marts, change):
    number = _close(marts)
    with marts.connect() as conn:
        conn.execute("set session_replication_role = replica")
        conn.execute(change)
        assert conn.execute("select planning.is_intact(%s)", [number]).fetchone() == (False,)


def test_a_column_that_comes_later_leaves_closings_intact(marts):
    number = _close(marts)
    with marts.connect() as conn:
        conn.execute("alter table planning.closed_mrr add column plan_count integer default 1")
        conn.execute("alter table planning.month_closings add column reviewed_by text")
        conn.execute("set timezone = 'Asia/Tokyo'; set datestyle = 'German'")
        assert conn.execute("select planning.is_intact(%s)", [number]).fetchone() == (True,)
