-- Grain: one row per subscription item that has ended by the as-of date, by itself or with its subscription.
-- The end known last counts: one that was withdrawn is none.
with ends as (
    select
        'item' as ended_with,
        subscription_item_id as entity_id,
        ended_on
    from {{ ref('stg_billing__subscription_items') }}
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})

    union all

    select 'subscription' as ended_with, subscription_id as entity_id, ended_on
    from {{ ref('stg_billing__subscriptions') }}
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})
),

changes as (
    select
        case when subscription_item_id is null then 'subscription' else 'item' end as ended_with,
        coalesce(subscription_item_id, subscription_id) as entity_id,
        new_value,
        row_number() over (
            partition by subscription_id, subscription_item_id
            order by occurred_at desc, known_at desc, change_id desc
        ) as recency
    from {{ ref('stg_billing__subscription_changes') }}
    where field_name = case when subscription_item_id is null then 'ended_at' else 'ended_on' end
        and is_readable and known_on <= {{ as_of_date() }}
),

latest as (
    select
        ends.ended_with,
        ends.entity_id,
        case when changes.entity_id is null then ends.ended_on else cast(changes.new_value as date) end as ended_on
    from ends
    left join changes
        on ends.ended_with = changes.ended_with and ends.entity_id = changes.entity_id and changes.recency = 1
)

select
    items.subscription_item_id,
    least(items_ended.ended_on, subscriptions_ended.ended_on) as ended_on
from {{ ref('stg_billing__subscription_items') }} as items
left join latest as items_ended
    on items_ended.ended_with = 'item' and items.subscription_item_id = items_ended.entity_id
    and items_ended.ended_on <= {{ as_of_date() }}
left join latest as subscriptions_ended
    on subscriptions_ended.ended_with = 'subscription' and items.subscription_id = subscriptions_ended.entity_id
    and subscriptions_ended.ended_on <= {{ as_of_date() }}
where items_ended.ended_on is not null or subscriptions_ended.ended_on is not null
