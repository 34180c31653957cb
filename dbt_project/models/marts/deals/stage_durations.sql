-- Grain: one row per open stage: how long deals stayed in it, over stays that ended by the as-of date.
-- Only stays whose beginning the source's history tells count.
with stays as (
    select
        deal_id,
        stage_id,
        stage_entered_on,
        {{ days_between('stage_entered_on', 'max(valid_to_on)') }} as stay_days,
        max(valid_to_on) as left_on
    from {{ ref('int_deal_spans') }}
    where is_open and stage_entered_on is not null
    group by deal_id, stage_id, stage_entered_on
)

select
    stage_id,
    count(*) as ended_stay_count,
    percentile_cont(0.5) within group (order by cast(stay_days as {{ type_double() }})) as median_days,
    percentile_cont(0.9) within group (order by cast(stay_days as {{ type_double() }})) as p90_days
from stays
where left_on <= {{ as_of_date() }} and stay_days >= 0 and stage_id is not null
group by stage_id
