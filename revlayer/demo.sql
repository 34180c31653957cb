-- name: other_sources
select source_name from raw.deals where source_name <> %s limit 1

-- name: present_company
select mapping_sha256
from raw.import_runs
where source_name = %s and status = 'finished'
order by import_id desc
limit 1

-- name: record_company
insert into raw.import_runs (source_name, mapping_sha256, status, finished_at)
values (%s, %s, 'finished', clock_timestamp())

-- name: analyze
analyze

-- name: is_scored
select count(distinct target) >= 4
from scoring.published_runs
where
    as_of_date = %s
    and finished_at > (
        select max(finished_at) from raw.import_runs where source_name = %s
    )

-- name: has_marts
select to_regclass('marts.served_models') is not null

-- name: is_published
select not exists (
    select
        target,
        finished_at
    from scoring.published_runs
    where target <> 'forecast_backtest'
    except
    select
        target,
        published_at
    from marts.served_models
)

-- Of a description the first sentence; it is folded in its file and ends with a newline.
-- name: tables
select
    c.relname,
    greatest(c.reltuples, 0)::bigint,
    rtrim(split_part(regexp_replace(obj_description(c.oid, 'pg_class'), '\s+', ' ', 'g'), '. ', 1), '. ')
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = 'marts' and c.relkind = 'r' and c.relname not like 'rule\_%'
order by c.relname
