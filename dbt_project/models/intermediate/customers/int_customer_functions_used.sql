-- Grain: one row per customer and as-of date in whose last 90 days it used a named part of the product.
with events as (
    select {{ event_entity('used') }} as entity, {{ event_key('used') }} as entity_key, used.feature_name,
        used.occurred_on, used.known_on, used.deleted_on
    from {{ ref('stg_customers__usage_events') }} as used
    where used.feature_name is not null
    union all
    select {{ event_entity('days') }} as entity, {{ event_key('days') }} as entity_key, days.feature_name,
        days.occurred_on, days.known_on, days.deleted_on
    from {{ ref('stg_customers__daily_usage') }} as days
    where days.feature_name is not null
),

used as (
    select
        keys.customer_id,
        dates.as_of_date,
        events.feature_name,
        min({{ days_between('events.occurred_on', 'dates.as_of_date') }}) as age_days
    from events
    inner join {{ ref('int_customer_keys') }} as keys
        on events.entity = keys.entity and events.entity_key = keys.entity_key
    inner join {{ ref('int_customer_as_of_dates') }} as dates
        on events.known_on <= dates.as_of_date and keys.known_on <= dates.as_of_date
        and events.occurred_on > {{ add_days('dates.as_of_date', -90) }}
        and (events.deleted_on is null or events.deleted_on > dates.as_of_date)
    group by keys.customer_id, dates.as_of_date, events.feature_name
)

select
    customer_id,
    as_of_date,
    count(*) as features_used_90d,
    count(*) filter (where age_days < 30) as features_used_30d
from used
group by customer_id, as_of_date
