-- Grain: one row per revenue line: a line of an invoice or credit note that is earned by itself.
-- Amounts at the as-of date: recognised + deferred - unbilled = billed; net_amount is recognised in the end.
with current_spans as (
    select spans.*, {{ unearned_on('spans', as_of_date()) }} as unearned_amount
    from {{ ref('int_revenue_spans') }} as spans
    where spans.valid_from_on <= {{ as_of_date() }} and spans.valid_to_on > {{ as_of_date() }}
),

last_spans as (
    select revenue_line_id, consideration_amount as net_amount
    from {{ ref('int_revenue_spans') }}
    where valid_to_on = {{ end_of_time() }}
)

select
    lines.revenue_line_id,
    lines.line_kind,
    lines.invoice_id,
    lines.customer_id,
    lines.subscription_item_id,
    lines.product_id,
    lines.currency_code,
    lines.recognition_method,
    lines.issued_on,
    lines.gone_on as voided_on,
    lines.recognised_from_on,
    lines.recognised_to_on,
    lines.service_cut_on,
    lines.amount,
    cast(coalesce(last_spans.net_amount, 0) as {{ type_money() }}) as net_amount,
    cast(coalesce(case when spans.is_billed then spans.consideration_amount end, 0) as {{ type_money() }})
        as billed_amount,
    cast(coalesce(spans.consideration_amount - spans.unearned_amount, 0) as {{ type_money() }}) as recognised_amount,
    cast(coalesce(case when spans.is_billed then spans.unearned_amount end, 0) as {{ type_money() }})
        as deferred_amount,
    cast(coalesce(case when not spans.is_billed then spans.consideration_amount - spans.unearned_amount end, 0)
        as {{ type_money() }}) as unbilled_amount
from {{ ref('int_revenue_lines') }} as lines
left join current_spans as spans on lines.revenue_line_id = spans.revenue_line_id
left join last_spans on lines.revenue_line_id = last_spans.revenue_line_id
