-- Grain: one row per revenue line and month in which it is earned; one without a month for what has no day yet.
-- scheduled_amount adds up to the line's net amount; recognised_amount is the part of it up to the as-of date.
with monthly as (
    select
        revenue_line_id,
        month_start_on,
        sum(recognised_amount) as scheduled_amount,
        coalesce(sum(recognised_amount) filter (where period_end_on <= {{ as_of_date() }}), 0) as recognised_amount
    from {{ ref('int_revenue_periods') }}
    group by revenue_line_id, month_start_on
),

totals as (
    select revenue_line_id, sum(recognised_amount) as scheduled_amount
    from {{ ref('int_revenue_periods') }}
    group by revenue_line_id
),

-- Milestones without a day, and what lies beyond the calendar.
undated as (
    select
        lines.revenue_line_id,
        cast(null as date) as month_start_on,
        lines.net_amount - coalesce(totals.scheduled_amount, 0) as scheduled_amount,
        cast(0 as {{ type_money() }}) as recognised_amount
    from {{ ref('fct_revenue_lines') }} as lines
    left join totals on lines.revenue_line_id = totals.revenue_line_id
    where lines.net_amount <> coalesce(totals.scheduled_amount, 0)
),

scheduled as (
    select * from monthly
    union all
    select * from undated
)

select
    scheduled.revenue_line_id,
    scheduled.month_start_on,
    lines.invoice_id,
    lines.customer_id,
    lines.subscription_item_id,
    lines.product_id,
    lines.currency_code,
    lines.recognition_method,
    cast(scheduled.scheduled_amount as {{ type_money() }}) as scheduled_amount,
    cast(scheduled.recognised_amount as {{ type_money() }}) as recognised_amount
from scheduled
inner join {{ ref('fct_revenue_lines') }} as lines on scheduled.revenue_line_id = lines.revenue_line_id
where scheduled.scheduled_amount <> 0 or scheduled.recognised_amount <> 0
