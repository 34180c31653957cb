-- name: schema
create schema if not exists bench

-- name: create_features
create table features.ftr_deals (
    deal_id text not null,
    as_of_date date not null,
    {columns}
) with (autovacuum_enabled = false)

-- name: drop_features
drop table if exists features.ftr_deals

-- name: fill
-- u is uniform in (-1, 1) and comes from a hash, so every run has the same rows.
insert into features.ftr_deals
select 'deal-' || lpad(g::text, 10, '0'), {as_of_date}, {values}
from generate_series(1, {rows}::bigint) as g

-- name: uniform
(hashint8extended(g, {seed}) / 9223372036854775807.0::float8)

-- name: ratio
{u}

-- name: amount
(round(exp(6 + 4 * {u}) * 100) / 100)

-- name: count
floor(50 * ({u} + 1))

-- name: with_nulls
case when hashint8extended(g, {seed}) % 20 = 0 then null else {value} end

-- name: grant
grant select on features.ftr_deals to {role}

-- name: vacuum
vacuum (freeze, analyze) features.ftr_deals

-- name: row_count
select count(*) from features.ftr_deals

-- name: is_filled
select to_regclass('features.ftr_deals') is not null

-- name: first_rows
select {columns} from features.ftr_deals order by deal_id limit {rows}

-- name: drop_predictions
drop table if exists bench.predictions

-- name: create_predictions
create table bench.predictions (
    deal_id text not null,
    win_probability double precision not null
) with (autovacuum_enabled = false)

-- name: checkpoint
checkpoint

-- name: scored_sample
-- Predictions with the features they came from.
select {columns}, p.win_probability
from (select deal_id, win_probability from {predictions} limit {rows}) as p
inner join features.ftr_deals as f on p.deal_id = f.deal_id

-- name: prediction_count
select count(*) from {predictions}

-- name: published
(
    select p.deal_id, p.win_probability
    from scoring.deal_win_predictions as p
    inner join scoring.published_runs as r on p.run_id = r.run_id
) as published

-- name: retire_others
update scoring.models set status = 'retired' where model_version <> %s and status = 'champion'

-- name: serve
update scoring.models set status = 'champion' where model_version = %s

-- name: copy_out_plain
copy (select {columns} from {table}) to stdout (format binary)
