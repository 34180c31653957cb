-- name: lock
select pg_catalog.pg_advisory_xact_lock(7281005, pg_catalog.hashtext(%s))

-- Signature, and mode, name and type of each argument and result column, of the functions of a name.
-- name: overloads
select
    p.oid::regprocedure::text as signature,
    array_agg(c.mode order by c.place) as modes,
    array_agg(c.name order by c.place) as names,
    array_agg(pg_catalog.format_type(c.type, null) order by c.place) as kinds
from pg_catalog.pg_proc as p
inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
left join lateral rows from (
    unnest(p.proargnames), unnest(p.proallargtypes), unnest(p.proargmodes::text[])
) with ordinality as c (name, type, mode, place) on true
where n.nspname = 'scoring' and p.proname = %s
group by p.oid

-- name: is_compiled
select true
from pg_catalog.pg_proc as p
inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
where
    n.nspname = 'scoring' and p.proname = %s
    and pg_catalog.obj_description(p.oid, 'pg_proc') like %s

-- name: comment
comment on function {function}({types}) is {comment}
