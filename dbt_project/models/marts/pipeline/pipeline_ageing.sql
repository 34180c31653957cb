-- Grain: one row per deal open at the as-of date.
with deals as (
    select
        *,
        {{ days_between('stage_entered_on', 'as_of_date') }} as days_in_stage
    from {{ ref('fct_deals') }}
    where is_open
),

stages as (
    select * from {{ ref('stage_durations') }} where ended_stay_count >= {{ var('stage_minimum_stay_count') | int }}
),

numbered as (
    select
        deal_id,
        cause,
        expected_close_on,
        coalesce(close_moved_days, 0) as close_moved_days,
        row_number() over (
            partition by deal_id order by case when expected_close_on is null then 1 else 0 end, change_number
        ) as date_number
    from {{ ref('fct_pipeline_changes') }}
),

moves as (
    select
        deal_id,
        max(expected_close_on) filter (where date_number = 1) as first_expected_close_on,
        count(*) filter (where cause = 'pushed_out') as push_count,
        sum(close_moved_days) filter (where cause = 'pushed_out') as pushed_days,
        count(*) filter (where cause = 'pulled_in') as pull_count,
        -sum(close_moved_days) filter (where cause = 'pulled_in') as pulled_days
    from numbered
    group by deal_id
)

select
    deals.deal_id,
    deals.as_of_date,
    deals.account_id,
    deals.owner_id,
    deals.team_path,
    deals.segment_id,
    deals.stage_id,
    deals.stage_name,
    deals.currency_code,
    deals.amount,
    deals.reporting_currency_code,
    deals.reporting_amount,
    deals.days_in_stage,
    stages.median_days as median_stage_days,
    stages.p90_days as p90_stage_days,
    case
        when deals.days_in_stage <= stages.median_days then 'within median'
        when deals.days_in_stage <= stages.p90_days then 'within p90'
        when deals.days_in_stage > stages.p90_days then 'past p90'
        else 'unknown'
    end as age_band,
    deals.expected_close_on,
    moves.first_expected_close_on,
    {%- for name in ['push_count', 'pushed_days', 'pull_count', 'pulled_days'] %}
    cast(coalesce(moves.{{ name }}, 0) as {{ dbt.type_bigint() }}) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from deals
left join stages on deals.stage_id = stages.stage_id
left join moves on deals.deal_id = moves.deal_id
