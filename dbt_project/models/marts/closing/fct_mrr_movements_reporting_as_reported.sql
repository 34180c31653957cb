-- Grain: one row per customer, month, movement and reason, in the reporting currency.
-- As fct_mrr_movements_as_reported; adjustments also hold what later rates do to closed months. Where the reporting
-- currency itself changed there is no adjustment: the month opens with what is known of it.
with moved as (
    select
        closed.customer_id, closed.month_start_on, closed.movement, closed.reason, closed.movement_reporting_amount
    from {{ source('planning', 'closed_mrr_movements_reporting') }} as closed
    inner join {{ ref('accounting_months') }} as months
        on closed.closing_id = months.closing_id and closed.month_start_on = months.month_start_on

    union all

    select known.customer_id, known.month_start_on, known.movement, known.reason, known.movement_reporting_amount
    from {{ ref('fct_mrr_movements_reporting') }} as known
    inner join {{ ref('accounting_months') }} as months on known.month_start_on = months.month_start_on
    where not months.is_closed
),

{{ months_after_closings() }},

parts as (
    select monthly.customer_id, months.month_start_on, coalesce(monthly.mrr_reporting_amount, 0) as amount
    from {{ ref('fct_mrr_monthly_as_reported') }} as monthly
    inner join months_after_closings as months on monthly.month_start_on = months.month_start_on
    where not months.is_restated

    union all

    select monthly.customer_id, months.month_start_on, -coalesce(monthly.mrr_reporting_amount, 0) as amount
    from {{ ref('fct_mrr_monthly_as_reported') }} as monthly
    inner join months_after_closings as months on monthly.month_start_on = months.month_before_on
    where not months.is_restated

    union all

    select moved.customer_id, months.month_start_on, -moved.movement_reporting_amount as amount
    from moved
    inner join months_after_closings as months on moved.month_start_on = months.month_start_on
    where not months.is_restated
)

select customer_id, month_start_on, movement, reason, movement_reporting_amount
from moved

union all

select
    customer_id,
    month_start_on,
    'adjustment' as movement,
    'correction' as reason,
    cast(sum(amount) as {{ type_money() }}) as movement_reporting_amount
from parts
group by customer_id, month_start_on
having sum(amount) <> 0
