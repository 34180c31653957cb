-- name: raw_columns
-- Tables of raw whose key is (source_name, source_id); digits are those before the decimal point.
select
    tables.relname,
    columns.attname,
    types.typname,
    columns.attnotnull and not columns.atthasdef as is_required,
    case
        when types.typname = 'int4' then 9
        when types.typname = 'int8' then 18
        when types.typname = 'numeric' and columns.atttypmod >= 4
            then (((columns.atttypmod - 4) >> 16) & 65535) - ((columns.atttypmod - 4) & 65535)
    end as whole_digits
from pg_catalog.pg_class as tables
inner join pg_catalog.pg_constraint as keys on keys.conrelid = tables.oid and keys.contype = 'p'
inner join pg_catalog.pg_attribute as columns on columns.attrelid = tables.oid
inner join pg_catalog.pg_type as types on types.oid = columns.atttypid
where tables.relnamespace = 'raw'::regnamespace
    and columns.attnum > 0 and not columns.attisdropped
    and array['source_id', 'source_name'] = (
        select array_agg(parts.attname::text order by parts.attname)
        from pg_catalog.pg_attribute as parts
        where parts.attrelid = tables.oid and parts.attnum = any(keys.conkey)
    )
order by tables.relname, columns.attnum

-- name: raw_checks
select tables.relname, pg_catalog.pg_get_expr(checks.conbin, checks.conrelid)
from pg_catalog.pg_constraint as checks
inner join pg_catalog.pg_class as tables on tables.oid = checks.conrelid
where checks.contype = 'c' and tables.relnamespace = 'raw'::regnamespace and tables.relname = any(%s)
order by tables.relname, checks.conname

-- name: start_run
insert into raw.import_runs (source_name, mapping_sha256) values (%s, %s) returning import_id

-- name: close_stale_runs
-- Whoever holds the lock is alone: a run that still says running was killed.
update raw.import_runs
set status = 'failed', error = 'killed before it ended', finished_at = clock_timestamp()
where source_name = %s and status = 'running'

-- name: end_run
update raw.import_runs
set
    status = %s, error = %s, read_count = %s, accepted_count = %s, changed_count = %s, rejected_count = %s,
    finished_at = clock_timestamp()
where import_id = %s

-- name: copy_rejects
copy raw.rejected_rows (import_id, table_name, file_name, line_number, reason, row_text) from stdin

-- name: try_lock
select pg_catalog.pg_try_advisory_lock(%s, %s)

-- name: unlock
select pg_catalog.pg_advisory_unlock(%s, %s)

-- name: create_staging
create temporary table {staging} on commit drop as
select stored.*, null::bigint as line_number {extra} from {table} as stored
with no data

-- name: number_contents
-- Rows of equal content are told apart by their order in the file.
update {staging} as candidate
set source_id = candidate.source_id || ':' || numbered.occurrence
from (
    select ctid as place, row_number() over (partition by source_id order by line_number) as occurrence
    from {staging}
) as numbered
where candidate.ctid = numbered.place

-- name: reject_rule_breakers
delete from {staging} as candidate
where {broken}
returning line_number, {reason}, (jsonb_strip_nulls(to_jsonb(candidate)) - 'line_number')::text

-- name: reject_dangling
delete from {staging} as candidate
where {column} is not null
    and not exists (
        select from {parent} as parent where parent.source_name = {source_name} and parent.source_id = {column}
    )
    and not exists (select from {siblings} as sibling where sibling.source_id = {column})
returning
    line_number, {reason} || quote_literal(left({column}, 100)),
    (jsonb_strip_nulls(to_jsonb(candidate)) - 'line_number')::text

-- name: reject_unknown_stages
-- A history names stages in its values, where no column can be declared a reference.
delete from {staging} as candidate
where candidate.field_name = 'stage' and candidate.new_value is not null
    and not exists (
        select from raw.stages as stage
        where stage.source_name = {source_name} and stage.source_id = candidate.new_value
    )
returning
    line_number, 'no row in stages has the key ' || quote_literal(left(candidate.new_value, 100)),
    (jsonb_strip_nulls(to_jsonb(candidate)) - 'line_number')::text

-- name: nothing
(select null::text as source_id where false)

-- name: merge_repeated
-- What stands in an earlier line with the same values is the same thing.
delete from {staging} as candidate
using (
    select distinct on (source_id) * from {staging} order by source_id, line_number
) as first
where candidate.source_id = first.source_id and candidate.line_number > first.line_number
    and ({columns}) is not distinct from ({first_columns})

-- name: reject_repeated
delete from {staging} as candidate
using (
    select
        ctid as place,
        row_number() over same_key as place_number,
        first_value(line_number) over same_key as first_line_number
    from {staging}
    window same_key as (partition by source_id order by line_number)
) as numbered
where candidate.ctid = numbered.place and numbered.place_number > 1
returning
    candidate.line_number,
    'the key ' || quote_literal(left(candidate.source_id, 100)) || ' stands in line '
    || numbered.first_line_number || ' already',
    (jsonb_strip_nulls(to_jsonb(candidate)) - 'line_number')::text

-- name: reject_taken
delete from {staging} as candidate
using {earlier} as earlier
where candidate.source_id = earlier.source_id
returning
    candidate.line_number,
    'the key ' || quote_literal(left(candidate.source_id, 100)) || ' stands in line '
    || earlier.line_number || ' of ' || {earlier_file} || ' already',
    (jsonb_strip_nulls(to_jsonb(candidate)) - 'line_number')::text

-- name: reject_rewritten
delete from {staging} as candidate
using {table} as stored
where stored.source_name = {source_name} and stored.source_id = candidate.source_id
    and ({stored_columns}) is distinct from ({candidate_columns})
returning
    candidate.line_number,
    'the history holds ' || quote_literal(left(candidate.source_id, 100)) || ' with other values; histories only grow',
    (jsonb_strip_nulls(to_jsonb(candidate)) - 'line_number')::text

-- name: analyze_staging
analyze {staging}

-- name: insert_history
insert into {table} (source_name, source_id, recorded_at, {columns})
select {source_name}, source_id, {recorded_at}, {columns} from {staging}
on conflict (source_name, source_id) do nothing

-- name: insert_observations
-- What the last export showed and what this one shows instead, before the row is overwritten: the first value of a
-- field since it was seen, the new one since this export.
insert into {history} (
    source_name, source_id, occurred_at, recorded_at, field_name, old_value, new_value, {parent_column}
)
select
    {source_name},
    stored.source_id || ':' || seen.field_name || ':seen:' || to_char(seen.seen_at, 'YYYYMMDD"T"HH24MISS'),
    null::timestamptz,
    seen.seen_at,
    seen.field_name,
    seen.old_value,
    seen.new_value,
    stored.source_id
from {staging} as candidate
inner join {table} as stored
    on stored.source_name = {source_name} and stored.source_id = candidate.source_id
cross join lateral (
    with fields (field_name, old_value, new_value) as (values {fields})
    select field_name, null as old_value, old_value as new_value, stored.observed_at as seen_at
    from fields
    where old_value is not null
        and not exists (
            select from {history} as known
            where known.source_name = {source_name} and known.{parent_column} = stored.source_id
                and known.field_name = fields.field_name
        )
    union all
    select field_name, old_value, new_value, {exported_at}::timestamptz
    from fields
    where old_value is distinct from new_value
) as seen
where ({stored_columns}) is distinct from ({candidate_columns}) and stored.observed_at < {exported_at}::timestamptz
on conflict (source_name, source_id) do nothing

-- name: upsert
insert into {table} as stored (source_name, source_id, {columns})
select {source_name}, source_id, {values} from {staging}
on conflict (source_name, source_id) do update
set {assignments}, loaded_at = clock_timestamp()
where ({stored_columns}) is distinct from ({excluded_columns}) and {is_newer}

-- name: insert_changes
-- What contradicts an earlier import (another value at that time, or that value at another time) is a
-- correction: it is known from this export on, so it wins from then and leaves earlier views alone.
insert into {history} (
    source_name, source_id, occurred_at, recorded_at, field_name, old_value, new_value, {parent_column}
)
select
    {source_name},
    candidate.source_id || ':' || {field} || ':' || to_char(candidate.{at}, 'YYYYMMDD"T"HH24MISS')
        || ':' || left(md5(candidate.{value}), 8),
    candidate.{at},
    case
        when exists (
            select from {history} as known
            where known.source_name = {source_name} and known.{parent_column} = candidate.source_id
                and known.field_name = {field}
                and known.loaded_at < transaction_timestamp()
                and (known.occurred_at = candidate.{at}) <> (known.new_value = candidate.{value})
        ) then {exported_at}::timestamptz
    end,
    {field},
    {old_value},
    candidate.{value},
    candidate.source_id
from {staging} as candidate
where candidate.{value} is not null and candidate.{at} is not null
on conflict (source_name, source_id) do nothing

-- name: insert_undated_changes
insert into {history} (
    source_name, source_id, occurred_at, recorded_at, field_name, old_value, new_value, {parent_column}
)
select
    {source_name},
    candidate.source_id || ':' || {field} || ':' || {exported_at}::text || ':' || left(md5({value}), 8),
    null::timestamptz,
    {exported_at}::timestamptz,
    {field},
    {old_value},
    {value},
    candidate.source_id
from {staging} as candidate
where {value} is not null
    and {value} is distinct from (
        select known.new_value
        from {history} as known
        where known.source_name = {source_name}
            and known.{parent_column} = candidate.source_id
            and known.field_name = {field}
        order by coalesce(known.recorded_at, known.occurred_at) desc, known.source_id desc
        limit 1
    )
on conflict (source_name, source_id) do nothing

-- name: insert_attributes
insert into raw.entity_attributes as stored (entity, source_name, source_id, name, value, recorded_at)
select {entity}, {source_name}, candidate.source_id, given.name, given.value, {exported_at}::timestamptz
from {staging} as candidate
cross join lateral (values {pairs}) as given (name, value)
where given.value is distinct from (
    select known.value
    from raw.entity_attributes as known
    where known.entity = {entity} and known.source_name = {source_name}
        and known.source_id = candidate.source_id and known.name = given.name
    order by known.recorded_at desc
    limit 1
)
on conflict (entity, source_name, source_id, name, recorded_at) do update
set value = excluded.value, loaded_at = clock_timestamp()
where stored.value is distinct from excluded.value

-- name: upsert_features
-- What a snapshot does not tell has a row too, with neither value: the feature is known to be missing.
insert into raw.customer_snapshot_features as stored (
    source_name, source_id, customer_snapshot_source_id, name, number_value, text_value
)
select
    {source_name}, candidate.source_id || ':' || feature.name, candidate.source_id, feature.name,
    feature.number_value, feature.text_value
from {staging} as candidate
cross join lateral (values {features}) as feature (name, number_value, text_value)
on conflict (source_name, source_id) do update
set number_value = excluded.number_value, text_value = excluded.text_value, loaded_at = clock_timestamp()
where (stored.number_value, stored.text_value) is distinct from (excluded.number_value, excluded.text_value)
