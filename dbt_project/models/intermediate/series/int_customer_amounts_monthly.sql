-- Grain: one row per measure, segment and complete month in which customers had revenue or recurring revenue.
-- Rounded where revenue_monthly and fct_mrr_items_monthly round, so that the sums are the same.
with months as (
    select month_start_on, month_end_on
    from {{ ref('int_dates_spined') }}
    where is_month_end and date_day <= {{ as_of_date() }}
),

mean_rates as (
    select
        rates.currency_code,
        dates.month_start_on,
        case when count(rates.final_rate) = count(*) then avg(rates.final_rate) end as mean_rate
    from {{ ref('int_exchange_rates_daily') }} as rates
    inner join {{ ref('int_dates_spined') }} as dates on rates.date_day = dates.date_day
    group by rates.currency_code, dates.month_start_on
),

recognised as (
    select
        lines.customer_id, lines.product_id, lines.recognition_method, lines.currency_code, periods.month_start_on,
        sum(periods.recognised_amount) as recognised_amount
    from {{ ref('int_revenue_periods') }} as periods
    inner join {{ ref('int_revenue_lines') }} as lines on periods.revenue_line_id = lines.revenue_line_id
    where periods.recognised_amount <> 0 and periods.period_end_on <= {{ as_of_date() }}
    group by
        lines.customer_id, lines.product_id, lines.recognition_method, lines.currency_code, periods.month_start_on
),

by_customer as (
    select
        'revenue' as measure,
        recognised.customer_id,
        recognised.month_start_on,
        cast(cast(recognised.recognised_amount as {{ type_double() }}) * rates.mean_rate as {{ type_money() }})
            as amount
    from recognised
    left join mean_rates as rates
        on recognised.currency_code = rates.currency_code and recognised.month_start_on = rates.month_start_on

    union all

    select
        'mrr' as measure,
        spans.customer_id,
        months.month_start_on,
        {{ to_reporting('spans.mrr_amount', 'rates.final_rate') }} as amount
    from {{ ref('int_subscription_item_spans') }} as spans
    inner join months on months.month_end_on >= spans.valid_from_on and months.month_end_on < spans.valid_to_on
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on spans.currency_code = rates.currency_code and months.month_end_on = rates.date_day
    where spans.mrr_amount <> 0
)

select
    by_customer.measure,
    coalesce(segments.segment_id, {{ unknown_segment() }}) as segment_id,
    by_customer.month_start_on,
    sum(by_customer.amount) as amount,
    count(*) - count(by_customer.amount) as left_out_count
from by_customer
inner join months on by_customer.month_start_on = months.month_start_on
left join {{ ref('int_customer_segment_spans') }} as segments
    on by_customer.customer_id = segments.customer_id
    and months.month_end_on >= segments.valid_from_on and months.month_end_on < segments.valid_to_on
group by by_customer.measure, coalesce(segments.segment_id, {{ unknown_segment() }}), by_customer.month_start_on
