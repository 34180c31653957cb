-- Grain: one row per revenue line and span of days within which it is earned evenly.
-- What metrics.deferred_revenue reads: a span holds from valid_from_on to the day before valid_to_on.
select
    spans.revenue_line_id,
    lines.customer_id,
    customers.customer_name,
    lines.currency_code,
    spans.valid_from_on,
    spans.valid_to_on,
    spans.is_billed,
    spans.consideration_amount,
    spans.unearned_from_amount,
    spans.unearned_to_amount
from {{ ref('int_revenue_spans') }} as spans
inner join {{ ref('int_revenue_lines') }} as lines on spans.revenue_line_id = lines.revenue_line_id
left join {{ ref('int_billing_customers_identified') }} as customers on lines.customer_id = customers.customer_id
