-- What the forecast calls closed was won in that month, and it weighs every open deal that has a date in reach.
with reach as (
    select min(month_start_on) as first_month_on, max(month_start_on) as last_month_on
    from {{ ref('revenue_forecast_monthly_total') }}
),

forecast as (
    select
        coalesce(sum(closed_amount), 0) as closed_amount,
        coalesce(sum(open_weighted_amount), 0) as open_weighted_amount,
        coalesce(sum(open_deal_count), 0) as open_deal_count
    from {{ ref('revenue_forecast_monthly_total') }}
),

deals as (
    select
        coalesce(sum(deals.reporting_amount) filter (
            where deals.is_won
                and closing.month_start_on between reach.first_month_on and reach.last_month_on
        ), 0) as closed_amount,
        coalesce(sum(cast(
            cast(deals.forecast_amount as {{ type_double() }}) * deals.stage_crm_probability as {{ type_money() }}
        )) filter (where deals.is_open and expected.month_start_on <= reach.last_month_on), 0)
            as open_weighted_amount,
        count(*) filter (where deals.is_open and expected.month_start_on <= reach.last_month_on)
            as open_deal_count
    from {{ ref('fct_deals') }} as deals
    cross join reach
    left join {{ ref('dim_date') }} as closing on deals.closed_on = closing.date_day
    left join {{ ref('dim_date') }} as expected on deals.expected_close_on = expected.date_day
)

select forecast.*, deals.*
from forecast
cross join deals
where
    forecast.closed_amount <> deals.closed_amount
    or forecast.open_weighted_amount <> deals.open_weighted_amount
    or forecast.open_deal_count <> deals.open_deal_count
