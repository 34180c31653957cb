-- Grain: one row per customer and as-of date in whose last 90 days it had been active: the days on which it was.
{{ config(pre_hook="{{ group_by_sorting() }}") }}
with recent_days as (
    -- Several keys of a customer, and days told in parts, are one day.
    select keys.customer_id, dates.as_of_date, days.occurred_on
    from {{ ref('int_customer_days') }} as days
    inner join {{ ref('int_customer_keys') }} as keys
        on days.entity = keys.entity and days.entity_key = keys.entity_key
    inner join {{ ref('int_customer_as_of_dates') }} as dates
        on {{ valid_on('days', 'dates.as_of_date') }} and keys.known_on <= dates.as_of_date
        and days.occurred_on > {{ add_days('dates.as_of_date', -90) }}
    where days.session_count + days.use_count > 0
    group by keys.customer_id, dates.as_of_date, days.occurred_on
)

select
    customer_id,
    as_of_date,
    count(*) as active_days_90d,
    count(*) filter (where occurred_on > {{ add_days('as_of_date', -30) }}) as active_days_30d
from recent_days
group by customer_id, as_of_date
