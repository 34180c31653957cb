-- Grain: one row per customer, currency, month, movement and reason.
-- Closed months as closed. What became known of them later is the adjustment of the first month after a closing: the
-- difference between what the month before closed with as known then and as reported.
with moved as (
    select
        closed.customer_id, closed.currency_code, closed.month_start_on, closed.movement, closed.reason,
        closed.movement_amount
    from {{ source('planning', 'closed_mrr_movements') }} as closed
    inner join {{ ref('accounting_months') }} as months
        on closed.closing_id = months.closing_id and closed.month_start_on = months.month_start_on

    union all

    select
        known.customer_id, known.currency_code, known.month_start_on, known.movement, known.reason,
        known.movement_amount
    from {{ ref('fct_mrr_movements') }} as known
    inner join {{ ref('accounting_months') }} as months on known.month_start_on = months.month_start_on
    where not months.is_closed
),

{{ months_after_closings() }},

-- The closing amount less the opening amount less what moved.
parts as (
    select monthly.customer_id, monthly.currency_code, months.month_start_on, monthly.mrr_amount as amount
    from {{ ref('fct_mrr_monthly_as_reported') }} as monthly
    inner join months_after_closings as months on monthly.month_start_on = months.month_start_on

    union all

    select monthly.customer_id, monthly.currency_code, months.month_start_on, -monthly.mrr_amount as amount
    from {{ ref('fct_mrr_monthly_as_reported') }} as monthly
    inner join months_after_closings as months on monthly.month_start_on = months.month_before_on

    union all

    select moved.customer_id, moved.currency_code, months.month_start_on, -moved.movement_amount as amount
    from moved
    inner join months_after_closings as months on moved.month_start_on = months.month_start_on
)

select customer_id, currency_code, month_start_on, movement, reason, movement_amount
from moved

union all

select
    customer_id,
    currency_code,
    month_start_on,
    'adjustment' as movement,
    'correction' as reason,
    cast(sum(amount) as {{ type_money() }}) as movement_amount
from parts
group by customer_id, currency_code, month_start_on
having sum(amount) <> 0
