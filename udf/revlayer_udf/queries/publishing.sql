-- name: try_lock
select pg_try_advisory_lock(%s::integer, %s::integer)

-- name: unlock
select pg_advisory_unlock(%s::integer, %s::integer)

-- name: lock_holder
select pid
from pg_locks
where
    locktype = 'advisory' and granted and objsubid = 2
    and database = (select d.oid from pg_database as d where d.datname = current_database())
    and classid::bigint = %s::bigint and objid::bigint = %s::bigint

-- name: start
insert into scoring.runs (target, model_version, as_of_date)
values (%s, %s, %s)
returning run_id

-- name: create_table
create table {table} (
    like {parent} including defaults including constraints including indexes including storage,
    -- Lets the server attach the table without reading it.
    check (run_id = {run_id})
)

-- name: set_default
alter table {table} alter column {column} set default {value}

-- name: record
update scoring.runs
set has_reasons = %s, scored_count = %s, copied_count = %s
where run_id = %s

-- name: record_timing
insert into scoring.run_timings (run_id, stage, seconds) values (%s, %s, %s)

-- name: attach
alter table {parent} attach partition {table} for values in ({run_id})

-- name: drop_table
drop table if exists {table}

-- name: analyze
analyze {table}

-- name: lock_timeout
select set_config('lock_timeout', %s, true)

-- name: supersede
update scoring.runs
set status = 'superseded'
where target = %s and status = 'published'

-- name: publish
update scoring.runs
set status = 'published', row_count = %s, finished_at = clock_timestamp()
where run_id = %s

-- name: fail
update scoring.runs
set status = 'failed', error = %s, finished_at = clock_timestamp()
where run_id = %s and status = 'running'

-- name: fail_abandoned
update scoring.runs
set status = 'failed', error = 'the process ended before it published', finished_at = clock_timestamp()
where target = %s and status = 'running'

-- name: leftover_tables
-- Tables of this target's failed runs: their process was killed, or could not drop them.
select c.relname
from scoring.runs as r
inner join pg_class as c
    on c.relname = any(array(select parent || '__run_' || r.run_id from unnest(%(parents)s::text[]) as parent))
inner join pg_namespace as n on c.relnamespace = n.oid
where r.target = %(target)s and r.status = 'failed' and n.nspname = 'scoring'

-- name: expired_tables
-- Partitions of superseded runs beyond the newest that are kept.
select c.relname
from (
    select run_id
    from scoring.runs
    where target = %(target)s and status = 'superseded'
    order by run_id desc
    offset %(keep)s
) as r
inner join pg_class as c
    on c.relname = any(array(select parent || '__run_' || r.run_id from unnest(%(parents)s::text[]) as parent))
inner join pg_namespace as n on c.relnamespace = n.oid
where n.nspname = 'scoring'
