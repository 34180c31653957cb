-- Grain: one row per month, segment, owner and team: what is won, and open by forecast category of the CRM.
with deals as (
    select
        *,
        replace(replace(lower(forecast_category), ' ', '_'), '-', '_') as category
    from {{ ref('fct_deals') }}
    where is_won or is_open
),

-- A deal whose expected close is over counts in the first month that still has days left.
first_open_month as (
    select min(month_start_on) as month_start_on from {{ ref('dim_date') }} where month_end_on > {{ as_of_date() }}
),

dated as (
    select
        deals.segment_id,
        deals.owner_id,
        deals.team_path,
        deals.is_won,
        deals.category,
        case
            when deals.is_won then dates.month_start_on
            else greatest(dates.month_start_on, first_open_month.month_start_on)
        end as month_start_on,
        case when deals.is_won then deals.reporting_amount else deals.forecast_amount end as amount
    from deals
    inner join {{ ref('dim_date') }} as dates
        on case when deals.is_won then deals.closed_on else deals.expected_close_on end = dates.date_day
    cross join first_open_month
)

select
    {{ as_of_date() }} as as_of_date,
    month_start_on,
    segment_id,
    owner_id,
    team_path,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(coalesce(sum(amount) filter (where is_won), 0) as {{ type_money() }}) as closed_amount,
    cast(coalesce(sum(amount) filter (where not is_won and category = 'commit'), 0) as {{ type_money() }})
        as commit_amount,
    cast(coalesce(sum(amount) filter (where not is_won and category = 'best_case'), 0) as {{ type_money() }})
        as best_case_amount,
    cast(coalesce(sum(amount) filter (
        where not is_won and coalesce(category, '') not in ('commit', 'best_case', 'omitted')
    ), 0) as {{ type_money() }}) as pipeline_amount
from dated
group by month_start_on, segment_id, owner_id, team_path
