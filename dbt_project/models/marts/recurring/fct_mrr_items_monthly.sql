-- Grain: one row per subscription item and month at whose end it has recurring revenue.
-- From the first such month to the month of the as-of date, which is measured on that date.
{{ keep_by_customer('customer_id', indexed_by=['customer_id']) }}

select
    spans.subscription_item_id,
    months.month_start_on,
    months.month_end_on,
    spans.subscription_id,
    spans.customer_id,
    segments.account_id,
    spans.currency_code,
    spans.plan_id,
    spans.product_id,
    spans.quantity,
    spans.mrr_amount,
    spans.arr_amount,
    {{ to_reporting('spans.mrr_amount', 'rates.final_rate') }} as mrr_reporting_amount,
    {{ to_reporting('spans.arr_amount', 'rates.final_rate') }} as arr_reporting_amount
from {{ ref('int_subscription_item_spans') }} as spans
inner join {{ ref('int_mrr_months') }} as months
    on months.month_end_on >= spans.valid_from_on and months.month_end_on < spans.valid_to_on
left join {{ ref('int_customer_segment_spans') }} as segments
    on spans.customer_id = segments.customer_id
    and months.month_end_on >= segments.valid_from_on and months.month_end_on < segments.valid_to_on
left join {{ ref('int_exchange_rates_daily') }} as rates
    on spans.currency_code = rates.currency_code and months.month_end_on = rates.date_day
where spans.mrr_amount <> 0 and {{ is_changed('customer_id', 'spans.customer_id') }}
