"""What every role may do, compared with a golden file; and that one writer per schema holds."""

from pathlib import Path

import psycopg
import pytest
from psycopg import sql

GOLDEN = Path(__file__).parent / "golden" / "privileges.txt"

PRIVILEGES = """
with roles as (
    select unnest(%(roles)s::text[]) as role_name
), relations as (
    select n.nspname as schema_name, c.oid, c.relname
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(%(schemas)s::text[]) and c.relkind in ('r', 'p', 'v')
), held as (
    select r.role_name, t.schema_name, t.relname, string_agg(p.privilege, ',' order by p.privilege) as privileges
    from roles r
    cross join relations t
    cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate']) as p(privilege)
    where has_table_privilege(r.role_name, t.oid, p.privilege)
    group by r.role_name, t.schema_name, t.relname
), columns as (
    select r.role_name || ' ' || t.schema_name || '.' || t.relname || ': ' || p.privilege || ' of '
        || string_agg(a.attname, ', ' order by a.attnum) as line
    from roles r
    cross join relations t
    cross join unnest(array['select', 'insert', 'update']) as p(privilege)
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    where has_column_privilege(r.role_name, t.oid, a.attnum, p.privilege)
        and not has_table_privilege(r.role_name, t.oid, p.privilege)
    group by r.role_name, t.schema_name, t.relname, p.privilege
), grouped as (
    select role_name, schema_name, privileges, count(*) as relation_count,
        case when count(*) <= 2 then ' (' || string_agg(relname, ', ' order by relname) || ')' else '' end as names
    from held group by role_name, schema_name, privileges
)
select r.role_name || ' ' || s.schema_name || ': '
    || concat_ws(',', case when has_schema_privilege(r.role_name, s.schema_name, 'usage') then 'usage' end,
                 case when has_schema_privilege(r.role_name, s.schema_name, 'create') then 'create' end)
    || coalesce((select string_agg('; ' || g.privileges || ' on '
                            || case when relation_count <= 2 then 'some' else 'the' end || ' tables' || names,
                            '' order by g.privileges)
                 from grouped g where g.role_name = r.role_name and g.schema_name = s.schema_name), '')
from roles r cross join unnest(%(schemas)s::text[]) as s(schema_name)
where has_schema_privilege(r.role_name, s.schema_name, 'usage')
union all
select line from columns
order by 1
"""

SCHEMAS = ["raw", "staging", "intermediate", "features", "marts", "scoring", "planning", "metrics", "audit",
           "truth", "public"]  # fmt: skip
ROLES = [f"revlayer_{name}" for name in ("loader", "transformer", "scorer", "planner", "reader")]


@pytest.fixture
def with_dbt_tables(database):
    """dbt's tables come and go; default privileges must cover them."""
    with database.connect("transformer") as conn:
        for schema in ("staging", "features", "marts"):
            statement = sql.SQL("create table {}.made_by_dbt (x int)")
            conn.execute(statement.format(sql.Identifier(schema)))
    return database


def test_privileges_are_the_golden_ones(with_dbt_tables):
    with with_dbt_tables.connect() as conn:
        rows = conn.execute(PRIVILEGES, {"roles": ROLES, "schemas": SCHEMAS}).fetchall()
    found = "\n".join(line for (line,) in rows) + "\n"
    assert found == GOLDEN.read_text(), f"if the change is meant, write this to {GOLDEN}:\n{found}"


OPEN = ("marts", "metrics", "public", "scoring", "audit")


@pytest.mark.parametrize("schema", [name for name in SCHEMAS if name not in OPEN])
def test_reader_reads_marts_and_metrics_only(with_dbt_tables, schema):
    with with_dbt_tables.connect("reader") as conn:
        conn.execute("select * from marts.made_by_dbt")
        row = conn.execute("select has_schema_privilege(%s, 'usage')", [schema]).fetchone()
        assert row == (False,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("create table marts.mine (x int)")


@pytest.mark.parametrize("table", ["scoring.models", "scoring.deal_win_predictions", "scoring.runs", "audit.events"])
def test_reader_calls_functions_of_schemas_whose_tables_are_closed(database, table):
    """scoring.predict_* and audit.verify are for readers; of the tables only the compiled trees that they read are."""
    with database.connect("reader") as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(sql.SQL("select * from {}").format(sql.Identifier(*table.split("."))))


@pytest.mark.parametrize("role", ["loader", "transformer", "scorer", "planner", "reader"])
def test_nobody_reads_the_simulators_truth(database, role):
    with database.connect(role) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("select * from truth.deal_win_probability")


def test_planner_inserts_and_cannot_change(database):
    with database.connect("planner") as conn:
        conn.execute(
            "insert into planning.targets (segment_id, month_start_on, target_amount, currency_code)"
            " values ('(all)', '2025-01-01', 1, 'USD')"
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("update planning.targets set target_amount = 2")
