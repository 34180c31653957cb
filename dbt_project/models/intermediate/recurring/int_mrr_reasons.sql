-- Grain: one row per subscription item and period (a month or a day) in which the source gives one reason for changes.
{{ keep_by_customer('subscription_id', indexed_by=['subscription_item_id']) }}

with stated as (
    select
        items.subscription_item_id,
        items.subscription_id,
        changes.reason,
        changes.occurred_on,
        cast({{ dbt.date_trunc('month', 'changes.occurred_on') }} as date) as month_start_on
    from {{ ref('stg_billing__subscription_changes') }} as changes
    inner join {{ ref('stg_billing__subscription_items') }} as items
        on changes.subscription_item_id = items.subscription_item_id
    where changes.known_on <= {{ as_of_date() }} and changes.reason in ('seats', 'price', 'plan', 'discount')
        and {{ is_changed('subscription_id', 'items.subscription_id') }}
)

{%- for period, day in [('month', 'month_start_on'), ('day', 'occurred_on')] %}
{{ 'union all' if not loop.first }}
select
    subscription_item_id,
    '{{ period }}' as period,
    {{ day }} as period_start_on,
    min(subscription_id) as subscription_id,
    min(reason) as reason
from stated
group by subscription_item_id, {{ day }}
having min(reason) = max(reason)
{%- endfor %}
