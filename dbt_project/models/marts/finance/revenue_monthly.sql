-- Grain: one row per customer, product, recognition method, currency and month with revenue up to the as-of date.
-- The reporting currency takes the mean rate of the month's days, the open month's up to the as-of date.
with rates as (
    select
        rates.currency_code,
        dates.month_start_on,
        case when count(rates.final_rate) = count(*) then avg(rates.final_rate) end as mean_rate
    from {{ ref('int_exchange_rates_daily') }} as rates
    inner join {{ ref('dim_date') }} as dates on rates.date_day = dates.date_day
    group by rates.currency_code, dates.month_start_on
),

recognised as (
    select
        month_start_on, customer_id, product_id, recognition_method, currency_code,
        sum(recognised_amount) as recognised_amount,
        count(*) as line_count
    from {{ ref('fct_revenue_schedule') }}
    where recognised_amount <> 0
    group by month_start_on, customer_id, product_id, recognition_method, currency_code
)

select
    recognised.month_start_on,
    recognised.customer_id,
    recognised.product_id,
    recognised.recognition_method,
    recognised.currency_code,
    cast(recognised.recognised_amount as {{ type_money() }}) as recognised_amount,
    cast(cast(recognised.recognised_amount as {{ type_double() }}) * rates.mean_rate as {{ type_money() }})
        as recognised_reporting_amount,
    cast(recognised.line_count as bigint) as line_count
from recognised
left join rates
    on recognised.currency_code = rates.currency_code and recognised.month_start_on = rates.month_start_on
