-- Grain: one row per revenue line and month at whose end it was earned and not billed yet.
-- Known as soon as its invoice is known: issued_on says when it was billed.
with months as (
    select month_start_on, max(date_day) as month_end_on
    from {{ ref('dim_date') }}
    where date_day <= {{ as_of_date() }}
    group by month_start_on
)

select
    months.month_start_on,
    months.month_end_on,
    spans.revenue_line_id,
    lines.invoice_id,
    lines.customer_id,
    lines.currency_code,
    lines.issued_on,
    cast(spans.consideration_amount - {{ unearned_on('spans', 'months.month_end_on') }} as {{ type_money() }})
        as unbilled_amount
from {{ ref('int_revenue_spans') }} as spans
inner join months
    on months.month_end_on >= spans.valid_from_on and months.month_end_on < spans.valid_to_on
inner join {{ ref('int_revenue_lines') }} as lines on spans.revenue_line_id = lines.revenue_line_id
where not spans.is_billed
    and spans.consideration_amount - {{ unearned_on('spans', 'months.month_end_on') }} <> 0
