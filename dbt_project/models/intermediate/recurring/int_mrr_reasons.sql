-- Grain: one row per subscription item and period (a month or a day) in which the source gives one reason for changes.
with stated as (
    select
        subscription_item_id,
        reason,
        occurred_on,
        cast({{ dbt.date_trunc('month', 'occurred_on') }} as date) as month_start_on
    from {{ ref('stg_billing__subscription_changes') }}
    where subscription_item_id is not null and known_on <= {{ as_of_date() }}
        and reason in ('seats', 'price', 'plan', 'discount')
)

{%- for period, day in [('month', 'month_start_on'), ('day', 'occurred_on')] %}
{{ 'union all' if not loop.first }}
select
    subscription_item_id,
    '{{ period }}' as period,
    {{ day }} as period_start_on,
    min(reason) as reason
from stated
group by subscription_item_id, {{ day }}
having min(reason) = max(reason)
{%- endfor %}
