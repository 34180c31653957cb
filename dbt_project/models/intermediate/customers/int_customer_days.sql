-- Grain: one row per key and day of sessions or use, and time in which they were known (validity is exclusive at its
-- end). Events are summed here once, so that no as-of date reads them again.
with events as (
    select
        sessions.source_name,
        {{ event_entity('sessions') }} as entity,
        {{ event_key('sessions') }} as entity_key,
        sessions.occurred_on, sessions.known_on, sessions.deleted_on,
        1 as session_count,
        0 as use_count,
        sessions.page_view_count,
        sessions.item_view_count,
        case when sessions.has_cart then 1 when not sessions.has_cart then 0 end as cart_count,
        case when sessions.has_cart and not sessions.has_order then 1 when sessions.has_cart is not null then 0 end
            as abandoned_count,
        cast(null as decimal(9, 6)) as usage_score,
        sessions.is_recorded_early
    from {{ ref('stg_customers__sessions') }} as sessions

    union all

    select
        used.source_name, {{ event_entity('used') }} as entity, {{ event_key('used') }} as entity_key,
        used.occurred_on, used.known_on, used.deleted_on, 0 as session_count, 1 as use_count,
        null as page_view_count, null as item_view_count, null as cart_count, null as abandoned_count,
        null as usage_score, used.is_recorded_early
    from {{ ref('stg_customers__usage_events') }} as used

    union all

    select
        days.source_name, {{ event_entity('days') }} as entity, {{ event_key('days') }} as entity_key,
        days.occurred_on, days.known_on, days.deleted_on, 0 as session_count,
        coalesce(days.event_count, 1) as use_count, null as page_view_count, null as item_view_count,
        null as cart_count, null as abandoned_count, days.usage_score, days.is_recorded_early
    from {{ ref('stg_customers__daily_usage') }} as days
)

select
    source_name,
    entity,
    entity_key,
    occurred_on,
    known_on as valid_from_on,
    coalesce(deleted_on, {{ end_of_time() }}) as valid_to_on,
    cast(sum(session_count) as {{ type_double() }}) as session_count,
    cast(sum(use_count) as {{ type_double() }}) as use_count,
    sum(page_view_count) as page_view_count,
    sum(item_view_count) as item_view_count,
    cast(sum(cart_count) as {{ type_double() }}) as cart_count,
    cast(sum(abandoned_count) as {{ type_double() }}) as abandoned_count,
    sum(usage_score) as usage_score_sum,
    cast(count(usage_score) as {{ type_double() }}) as usage_score_count,
    cast(sum(case when is_recorded_early then 1 else 0 end) as {{ type_double() }}) as early_count
from events
where entity_key is not null and (deleted_on is null or deleted_on > known_on)
group by source_name, entity, entity_key, occurred_on, known_on, coalesce(deleted_on, {{ end_of_time() }})
