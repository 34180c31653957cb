-- name: work_mem
-- One hash table over the keys of a run, instead of many passes over files.
select set_config('work_mem', '128MB', true)

-- name: describe
-- Moments of every row, quantiles of those whose hash ends in zeros: all of a small run, a share of a large one.
-- Aggregates side by side, taken apart at the end: half the time of aggregating one output a row.
with moments as (
    select {segment} as segment_id, count(*) as row_count, {moments}
    from {source}
    group by 1
), quantiles as (
    select {segment} as segment_id, count(*) as row_count, {quantiles}
    from {source}
    where hashtextextended(p.{key}, 0) & {mask} = 0
    group by 1
)
select
    v.output,
    {dimension} as dimension,
    m.segment_id,
    m.row_count,
    m.row_count - v.value_count as null_count,
    v.mean,
    v.standard_deviation,
    v.minimum,
    v.quantiles[1] as p10,
    v.quantiles[2] as p50,
    v.quantiles[3] as p90,
    v.maximum,
    coalesce(q.row_count, 0) as quantile_row_count
from moments as m
left join quantiles as q on m.segment_id = q.segment_id
cross join lateral (values {outputs}) as v (
    output, value_count, mean, standard_deviation, minimum, maximum, quantiles
)

-- name: every_row
'(all)'

-- name: segment
coalesce(f.{column}, 'Unknown')

-- name: run
{table} as p

-- name: run_and_features
{table} as p
left join {relation} as f on p.{key} = f.{key} and f.as_of_date = p.as_of_date

-- name: moment
count(p.{column}) as {count}, avg(p.{column}) as {mean}, stddev_samp(p.{column}) as {deviation},
min(p.{column}) as {least}, max(p.{column}) as {most}

-- name: quantile
percentile_cont(array[0.1, 0.5, 0.9]) within group (order by p.{column}) as {quantiles}

-- name: output
({name}, m.{count}, m.{mean}, m.{deviation}, m.{least}, m.{most}, q.{quantiles})
