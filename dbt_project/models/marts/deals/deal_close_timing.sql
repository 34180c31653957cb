-- Grain: one row per open deal and month, from the as-of date's month to forecast_horizon_months later; none before
-- predictions of the as-of date are published.
with runs as (
    select * from {{ source('scoring', 'published_runs') }} where as_of_date = {{ as_of_date() }}
),

months as (
    select
        month_start_on,
        max(month_end_on) as month_end_on,
        {{ days_between(as_of_date(), 'max(month_end_on)') }} as days_ahead
    from {{ ref('dim_date') }}
    where
        month_end_on >= {{ as_of_date() }}
        and month_start_on <= {{ dbt.dateadd('month', var('forecast_horizon_months') | int, as_of_date()) }}
    group by month_start_on
),

first_open_month as (
    select min(month_start_on) as month_start_on from months where month_end_on > {{ as_of_date() }}
),

deals as (
    select
        deals.*,
        case
            when deals.stage_entered_on > deals.as_of_date then 0
            else {{ days_between('deals.stage_entered_on', 'deals.as_of_date') }}
        end as days_in_stage,
        case
            when dates.month_start_on is not null then greatest(dates.month_start_on, first_open_month.month_start_on)
        end as expected_month_on
    from {{ ref('fct_deals') }} as deals
    cross join first_open_month
    left join {{ ref('dim_date') }} as dates on deals.expected_close_on = dates.date_day
    where deals.is_open
),

wins as (
    select predictions.deal_id, predictions.win_probability
    from {{ source('scoring', 'deal_win_predictions') }} as predictions
    inner join runs on predictions.run_id = runs.run_id
),

win_timings as (
    select predictions.*
    from {{ source('scoring', 'deal_close_predictions') }} as predictions
    inner join runs on predictions.run_id = runs.run_id
),

loss_timings as (
    select timings.*
    from {{ source('scoring', 'deal_loss_timings') }} as timings
    inner join runs on timings.run_id = runs.run_id
),

stages as (select distinct stage_name from loss_timings),

stage_days as (
    select distinct days_in_stage_from, days_in_stage_to from loss_timings where days_in_stage_from is not null
),

-- A stage that was never left before has the timing of all stages: the rows without a stage. Unknown days have the
-- timing of all: the rows without days.
placed as (
    select deals.deal_id, stages.stage_name, stage_days.days_in_stage_from
    from deals
    left join stages on coalesce(deals.stage_name, '') = stages.stage_name
    left join stage_days
        on deals.days_in_stage >= stage_days.days_in_stage_from
        and deals.days_in_stage <= coalesce(stage_days.days_in_stage_to, deals.days_in_stage)
),

closed_by as (
    select
        deals.*,
        months.month_start_on,
        wins.win_probability * {{ closed_within('win_timings', 'months.days_ahead') }} as won_by_probability,
        (1 - wins.win_probability) * {{ closed_within('loss_timings', 'months.days_ahead') }} as lost_by_probability
    from deals
    inner join wins on deals.deal_id = wins.deal_id
    inner join win_timings on deals.deal_id = win_timings.deal_id
    inner join placed on deals.deal_id = placed.deal_id
    inner join loss_timings
        on coalesce(placed.stage_name, '(all)') = coalesce(loss_timings.stage_name, '(all)')
        and coalesce(placed.days_in_stage_from, -1) = coalesce(loss_timings.days_in_stage_from, -1)
    cross join months
)

select
    deal_id,
    as_of_date,
    month_start_on,
    account_id,
    owner_id,
    team_path,
    segment_id,
    stage_name,
    cast(won_by_probability - coalesce(lag(won_by_probability) over by_month, 0) as {{ type_double() }})
        as win_probability,
    cast(lost_by_probability - coalesce(lag(lost_by_probability) over by_month, 0) as {{ type_double() }})
        as loss_probability,
    cast(1 - won_by_probability - lost_by_probability as {{ type_double() }}) as still_open_probability,
    cast(case when month_start_on = expected_month_on then 1 - won_by_probability - lost_by_probability end
        as {{ type_double() }}) as slip_probability
from closed_by
window by_month as (partition by deal_id order by month_start_on)
