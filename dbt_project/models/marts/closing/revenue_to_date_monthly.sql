-- Grain: one row per customer, currency and month, from the first document or revenue to the month of the as-of date.
-- Billed and recognised in the month and to date; to date, recognised + deferred - unbilled = billed.
{{ config(materialized='view') }}

with converted as (
    select
        month_start_on,
        customer_id,
        currency_code,
        sum(recognised_reporting_amount) as amount,
        count(*) filter (where recognised_reporting_amount is null) as unconverted_count
    from {{ ref('revenue_monthly') }}
    group by month_start_on, customer_id, currency_code
),

monthly as (
    select
        rolled.month_start_on,
        rolled.customer_id,
        rolled.currency_code,
        rolled.billed_amount + rolled.corrected_amount + rolled.voided_amount as net_billed_amount,
        rolled.recognised_amount,
        case when coalesce(converted.unconverted_count, 0) = 0 then coalesce(converted.amount, 0) end
            as recognised_reporting_amount,
        rolled.closing_deferred_amount,
        rolled.closing_unbilled_amount
    from {{ ref('deferred_revenue_monthly') }} as rolled
    left join converted
        on rolled.month_start_on = converted.month_start_on
        and coalesce(rolled.customer_id, '') = coalesce(converted.customer_id, '')
        and coalesce(rolled.currency_code, '') = coalesce(converted.currency_code, '')
)

select
    month_start_on,
    customer_id,
    currency_code,
    cast(net_billed_amount as {{ type_money() }}) as net_billed_amount,
    recognised_amount,
    cast(recognised_reporting_amount as {{ type_money() }}) as recognised_reporting_amount,
    cast(sum(net_billed_amount) over passed as {{ type_money() }}) as billed_to_date_amount,
    cast(sum(recognised_amount) over passed as {{ type_money() }}) as recognised_to_date_amount,
    cast(sum(coalesce(recognised_reporting_amount, 0)) over passed as {{ type_money() }})
        as recognised_reporting_to_date_amount,
    closing_deferred_amount,
    closing_unbilled_amount
from monthly
window passed as (partition by customer_id, currency_code order by month_start_on)
