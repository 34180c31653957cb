-- Grain: one row per customer and period (a month or a day) in which the terms of one of its items changed.
-- A movement is the difference between the end of the day before the period (opening_on) and its own end (closing_on).
{{ keep_by_customer('customer_id') }}

with changed as (
    select distinct customer_id, valid_from_on as changed_on
    from {{ ref('int_subscription_item_spans') }}
    where {{ is_changed('customer_id') }}
    union
    select distinct customer_id, valid_to_on as changed_on
    from {{ ref('int_subscription_item_spans') }}
    where {{ is_changed('customer_id') }}
)

select distinct
    changed.customer_id,
    'month' as period,
    months.month_start_on as period_start_on,
    months.opening_on,
    months.month_end_on as closing_on
from changed
inner join {{ ref('int_mrr_months') }} as months
    on changed.changed_on >= months.month_start_on and changed.changed_on <= months.month_end_on

union all

select
    customer_id,
    'day' as period,
    changed_on as period_start_on,
    {{ add_days('changed_on', '-1') }} as opening_on,
    changed_on as closing_on
from changed
where changed_on <= {{ as_of_date() }} and changed_on > cast('0001-01-01' as date)
