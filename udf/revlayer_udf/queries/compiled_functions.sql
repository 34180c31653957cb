-- name: lock
select pg_catalog.pg_advisory_xact_lock(7281005, pg_catalog.hashtext(%s))

-- Signature, argument types, and names and types of the result columns, of the functions of a name.
-- name: overloads
select
    p.oid::regprocedure::text as signature,
    coalesce(
        (
            select string_agg(pg_catalog.format_type(a.type, null), ', ' order by a.place)
            from unnest(p.proargtypes::oid[]) with ordinality as a (type, place)
        ),
        ''
    ) as arguments,
    coalesce(array_agg(c.name order by c.place) filter (where c.mode = 't'), '{}') as names,
    coalesce(array_agg(pg_catalog.format_type(c.type, null) order by c.place) filter (where c.mode = 't'), '{}') as kinds
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
