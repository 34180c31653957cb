-- name: try_lock
select pg_try_advisory_lock(%s)

-- name: wait_for_lock
select pg_advisory_lock(%s)

-- name: last_known_date
select max(known_on) from (
    select max(greatest(coalesce(recorded_at, occurred_at), observed_at))::date as known_on from raw.deals
    union all
    select max(coalesce(recorded_at, occurred_at))::date from raw.deal_changes
    union all
    select max(coalesce(recorded_at, occurred_at))::date from raw.activities
) as known
