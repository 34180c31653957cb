-- name: describe_all
-- Moments of every row, quantiles of those whose hash ends in zeros: all of a small run, a share of a large one.
select
    v.output,
    '(all)' as dimension,
    '(all)' as segment_id,
    count(*) as row_count,
    count(*) - count(v.value) as null_count,
    avg(v.value) as mean,
    stddev_samp(v.value) as standard_deviation,
    min(v.value) as minimum,
    q.quantiles[1] as p10,
    q.quantiles[2] as p50,
    q.quantiles[3] as p90,
    max(v.value) as maximum,
    coalesce(q.row_count, 0) as quantile_row_count
from {table} as p
cross join lateral (values {values}) as v (output, value)
left join (
    select
        v.output,
        count(*) as row_count,
        percentile_cont(array[0.1, 0.5, 0.9]) within group (order by v.value) as quantiles
    from {table} as p
    cross join lateral (values {values}) as v (output, value)
    where hashtextextended(p.deal_id, 0) & {mask} = 0
    group by v.output
) as q on v.output = q.output
group by v.output, q.quantiles, q.row_count

-- name: describe_segments
select
    v.output,
    {dimension} as dimension,
    s.segment_id,
    count(*) as row_count,
    count(*) - count(v.value) as null_count,
    avg(v.value) as mean,
    stddev_samp(v.value) as standard_deviation,
    min(v.value) as minimum,
    q.quantiles[1] as p10,
    q.quantiles[2] as p50,
    q.quantiles[3] as p90,
    max(v.value) as maximum,
    coalesce(q.row_count, 0) as quantile_row_count
from {table} as p
left join {relation} as f on p.deal_id = f.deal_id and f.as_of_date = p.as_of_date
cross join lateral (select coalesce(f.{column}, 'Unknown') as segment_id) as s
cross join lateral (values {values}) as v (output, value)
left join (
    select
        v.output,
        coalesce(f.{column}, 'Unknown') as segment_id,
        count(*) as row_count,
        percentile_cont(array[0.1, 0.5, 0.9]) within group (order by v.value) as quantiles
    from {table} as p
    left join {relation} as f on p.deal_id = f.deal_id and f.as_of_date = p.as_of_date
    cross join lateral (values {values}) as v (output, value)
    where hashtextextended(p.deal_id, 0) & {mask} = 0
    group by 1, 2
) as q on v.output = q.output and s.segment_id = q.segment_id
group by v.output, s.segment_id, q.quantiles, q.row_count

-- name: value
({name}, p.{column})
