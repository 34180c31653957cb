-- Grain: one row per customer and subscription it has or had, as the source rows tell; the customer '' stands for
-- nobody. fingerprint is that of the rows the subscription hangs on, null where there are none.
-- A table of its own, so that the spans of customers are made at the same time.
with payers as (
    select subscription_id, customer_key from {{ ref('stg_billing__subscriptions') }}
    {%- for value in ['old_value', 'new_value'] %}
    union
    select subscription_id, {{ value }} as customer_key
    from {{ ref('stg_billing__subscription_changes') }}
    where field_name = 'billing_customer' and subscription_item_id is null and {{ value }} is not null
    {%- endfor %}
),

owned as (
    select distinct
        payers.subscription_id,
        coalesce(identities.canonical_id, payers.customer_key) as customer_id
    from payers
    left join {{ ref('int_entity_identities') }} as identities
        on identities.entity = 'billing_customer' and payers.customer_key = identities.source_key
),

-- Summed up before they are joined: there are several changes of an item.
changes as (
    select subscription_id, subscription_item_id, sum(row_fingerprint) as fingerprint
    from {{ ref('stg_billing__subscription_changes') }}
    group by subscription_id, subscription_item_id
),

-- Each row sooner or later counts with a subscription: a change of an item with that of the item.
hashed as (
    select subscription_id, sum(fingerprint) as fingerprint
    from (
        select subscription_id, row_fingerprint as fingerprint from {{ ref('stg_billing__subscriptions') }}
        union all
        select subscription_id, row_fingerprint as fingerprint from {{ ref('stg_billing__subscription_items') }}
        union all
        select coalesce(items.subscription_id, changes.subscription_id) as subscription_id, changes.fingerprint
        from changes
        left join {{ ref('stg_billing__subscription_items') }} as items
            on changes.subscription_item_id = items.subscription_item_id
    ) as hashed_rows
    group by subscription_id
)

select
    coalesce(owned.customer_id, '') as customer_id,
    coalesce(owned.subscription_id, hashed.subscription_id) as subscription_id,
    hashed.fingerprint
from owned
full join hashed on owned.subscription_id = hashed.subscription_id
