-- The months of a line's schedule are its net amount, and what of them is recognised is what the line says.
with scheduled as (
    select
        revenue_line_id,
        sum(scheduled_amount) as scheduled_amount,
        sum(recognised_amount) as recognised_amount
    from {{ ref('fct_revenue_schedule') }}
    group by revenue_line_id
)

select lines.revenue_line_id, lines.net_amount, scheduled.scheduled_amount, lines.recognised_amount
from {{ ref('fct_revenue_lines') }} as lines
left join scheduled on lines.revenue_line_id = scheduled.revenue_line_id
where lines.net_amount <> coalesce(scheduled.scheduled_amount, 0)
    or lines.recognised_amount <> coalesce(scheduled.recognised_amount, 0)
