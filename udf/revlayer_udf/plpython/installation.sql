-- Each function is two: a plain SQL one that callers use, with named arguments, and the one in PL/Python behind it.
-- The planner inlines the first, so it costs nothing; and PL/Python spends 10 µs per row on arguments with names and
-- on returning sets, which the second has not.
--   security definer: callers may score but not read scoring.models, the owner may.
--   search_path: set, as it must be for a function with its owner's rights.
--   parallel unsafe: reading the model opens a subtransaction, which PostgreSQL forbids in parallel plans.
--   cost: 50 µs are some 20,000 operator calls, so the planner evaluates cheap conditions first.
-- name: create_inner
create or replace function scoring.{inner}({parameters})
language plpython3u
stable
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
cost 20000
as {body}

-- name: create_row
create or replace function scoring.{name}({arguments})
returns table ({columns})
language sql
stable
parallel unsafe
rows 1
as {body}

-- name: create_rows
create or replace function scoring.{name}({arguments})
returns table ({columns})
language sql
stable
parallel unsafe
rows 1000
as {body}

-- name: row_body
select {names} from scoring.{inner}({values}) as scored ({names})

-- name: rows_body
select numbered.row_number, {numbered}
from scoring.{inner}({values}) as scored ({names})
cross join lateral rows from ({scored}) with ordinality as numbered ({names}, row_number)

-- name: overloads
select
    p.oid::regprocedure::text as signature,
    coalesce(p.proargnames, '{}') as names,
    (
        select array_agg(pg_catalog.format_type(a.type, null) order by a.place)
        from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality as a (type, place)
    ) as types,
    coalesce(p.proargmodes::text[], '{}') as modes
from pg_catalog.pg_proc as p
inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
where n.nspname = 'scoring' and p.proname = %s

-- name: calls
select p.oid
from pg_catalog.pg_proc as p
inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
where n.nspname = 'scoring' and p.proname = %(name)s and pg_catalog.strpos(p.prosrc, %(inner)s) > 0

-- The role that writes predictions; functions run with its rights.
-- name: owner
select pg_catalog.pg_get_userbyid(relowner)
from pg_catalog.pg_class
where oid = 'scoring.deal_win_predictions'::regclass

-- Who may call what the owner creates in this schema: sql/roles says so by default privileges.
-- name: callers
select distinct pg_catalog.pg_get_userbyid(granted.grantee)
from pg_catalog.pg_default_acl as d
inner join pg_catalog.pg_namespace as n on d.defaclnamespace = n.oid
cross join lateral pg_catalog.aclexplode(d.defaclacl) as granted
where
    d.defaclrole = %s::regrole and d.defaclobjtype = 'f' and n.nspname = 'scoring'
    and granted.privilege_type = 'EXECUTE' and granted.grantee <> 0

-- name: lock
select pg_catalog.pg_advisory_xact_lock(7281005, pg_catalog.hashtext(%s))

-- name: artefact
select artefact from scoring.models where model_version = %s
