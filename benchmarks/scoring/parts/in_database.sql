-- name: by_row
create table {predictions} as
select f.deal_id, p.win_probability
from {table} as f
cross join lateral {function}({arguments}) as p

-- name: by_query
create table {predictions} as
{query}

-- name: by_block
-- Pages of the table as arrays: no sort, no window, constant memory.
create table {predictions} as
select p.deal_id, p.win_probability
from
    generate_series(
        0, pg_relation_size({relation}::regclass) / current_setting('block_size')::bigint, {pages}
    ) as page
cross join lateral (
    select array_agg(f.deal_id) as deal_ids, {arrays}
    from {table} as f
    where f.ctid >= format('(%s,0)', page)::tid and f.ctid < format('(%s,0)', page + {pages})::tid
) as b
cross join lateral rows from (
    unnest(b.deal_ids), {function}({arguments})
) as p (deal_id, row_number, win_probability)

-- name: argument
{name} => {value}

-- name: array
array_agg(f.{name}) as {name}

-- name: call
select p.win_probability from {function}({arguments}) as p

-- name: explain_call
select p.* from {function}({arguments}) as p

-- name: workers
select set_config('max_parallel_workers_per_gather', %s, false)
