-- Grain: one row per month of entry, open stage and segment; segment_id (all) is all of them.
-- Who is still in the stage has stayed longer than any who left: a young cohort has no median until half have left.
{%- set outcomes = ['advanced', 'moved_back', 'lost', 'removed', 'staying'] %}
{%- set never = "cast('Infinity' as " ~ type_double() ~ ")" %}
with visits as (
    select
        visits.*,
        cast({{ dbt.date_trunc('month', 'visits.entered_on') }} as date) as cohort_month_on,
        case
            when visits.outcome = 'staying' then {{ never }}
            else cast(visits.stay_days as {{ type_double() }})
        end as days
    from {{ ref('int_stage_visits') }} as visits
),

counted as (
    {%- for segment in ['segment_id', "'(all)'"] %}
    select
        cohort_month_on,
        stage_id,
        {{ segment }} as segment_id,
        count(*) as entered_count,
        {%- for outcome in outcomes %}
        count(*) filter (where outcome = '{{ outcome }}') as {{ outcome }}_count,
        {%- endfor %}
        {%- for share, name in [(0.5, 'median'), (0.9, 'p90')] %}
        percentile_disc({{ share }}) within group (order by days) filter (where outcome <> 'removed')
            as {{ name }}_days{{ ',' if not loop.last }}
        {%- endfor %}
    from visits
    group by cohort_month_on, stage_id{{ ', segment_id' if loop.first }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    counted.cohort_month_on,
    counted.stage_id,
    stages.stage_name,
    stages.stage_order,
    counted.segment_id,
    counted.entered_count,
    {%- for outcome in outcomes %}
    counted.{{ outcome }}_count,
    {%- endfor %}
    {%- for part, name in [('advanced', 'advance'), ('lost', 'loss')] %}
    {{ ratio('counted.' ~ part ~ '_count', 'counted.advanced_count + counted.moved_back_count + counted.lost_count') }}
        as {{ name }}_rate,
    {%- endfor %}
    nullif(counted.median_days, {{ never }}) as median_days,
    nullif(counted.p90_days, {{ never }}) as p90_days
from counted
inner join {{ ref('int_stages_identified') }} as stages on counted.stage_id = stages.stage_id
