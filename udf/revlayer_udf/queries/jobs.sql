-- name: relation
select * from {relation} limit 0

-- name: schema
select {columns} from {relation}

-- name: one_state
set transaction isolation level repeatable read, read only

-- name: work_mem
-- One hash table over the keys of a run, instead of many passes over files.
select set_config('work_mem', '128MB', true)

-- name: count
select count(*) from {relation} where as_of_date = %s

-- name: export_snapshot
select pg_export_snapshot()

-- name: features
select {columns}, {features_hash} as features_hash
from {relation} as f
where f.as_of_date = {as_of_date}

-- name: changed_features
select {columns}, {features_hash} as features_hash
from {relation} as f
where
    f.as_of_date = {as_of_date}
    and not exists (
        select
        from {parent} as p
        where p.run_id = {run_id} and p.{key} = f.{key} and p.features_hash = {features_hash}
    )

-- name: features_hash
hash_record_extended(row({columns}), 0)

-- name: column
f.{}

-- name: repeatable
set transaction isolation level repeatable read

-- name: lock_timeout
select set_config('lock_timeout', %s, true)

-- name: import_snapshot
set transaction snapshot {snapshot}

-- name: reusable_run
-- The published run whose predictions are those that scoring the same features would give again.
select run_id
from scoring.runs
where
    target = %(target)s and status = 'published'
    and model_version = %(model_version)s and has_reasons = %(has_reasons)s

-- name: prediction_columns
select a.attname
from pg_attribute as a
where
    a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped
    and a.attname not in ('run_id', 'as_of_date', 'model_version')
order by a.attnum

-- name: copy_unchanged
insert into {table} ({columns})
select {copied}
from {parent} as p
inner join {relation} as f on p.{key} = f.{key} and p.features_hash = {features_hash}
where p.run_id = {run_id} and f.as_of_date = {as_of_date}

-- name: copied_column
p.{}
