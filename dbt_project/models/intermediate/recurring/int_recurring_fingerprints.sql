-- Grain: one row per customer and subscription it has or had; the subscription '' stands for the customer itself, the
-- customer '' for nobody, whose subscriptions are those that items and changes name without there being such.
-- fingerprint is that of the rows the two hang on, changed_in the build in which it was last another; what is gone
-- stays, with a fingerprint of null.
{{ config(
    materialized='incremental' if target.type == 'postgres' else 'table',
    incremental_strategy='delete+insert' if target.type == 'postgres' else none,
    unique_key=['customer_id', 'subscription_id'],
    indexes=[{'columns': ['changed_in']}, {'columns': ['customer_id']}] if target.type == 'postgres' else [],
    post_hook="analyze {{ this }}" if target.type == 'postgres' else ''
) }}

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
),

found as (
    select
        coalesce(owned.customer_id, '') as customer_id,
        coalesce(owned.subscription_id, hashed.subscription_id) as subscription_id,
        hashed.fingerprint
    from owned
    full join hashed on owned.subscription_id = hashed.subscription_id

    union all

    select spans.customer_id, '' as subscription_id, sum({{ row_fingerprint('spans') }}) as fingerprint
    from {{ ref('int_customer_segment_spans') }} as spans
    group by spans.customer_id
),

builds as (
    select coalesce(max(generation), 0) + 1 as generation
    from (
        select generation from {{ ref('int_recurring_builds') }}
        {%- if is_incremental() %}
        union all
        select changed_in as generation from {{ this }}
        {%- endif %}
    ) as earlier
)

{%- if is_incremental() %}

select
    coalesce(found.customer_id, earlier.customer_id) as customer_id,
    coalesce(found.subscription_id, earlier.subscription_id) as subscription_id,
    found.fingerprint,
    builds.generation as changed_in
from found
full join {{ this }} as earlier
    on found.customer_id = earlier.customer_id and found.subscription_id = earlier.subscription_id
cross join builds
where found.fingerprint is distinct from earlier.fingerprint
{%- else %}

select found.customer_id, found.subscription_id, found.fingerprint, builds.generation as changed_in
from found
cross join builds
{%- endif %}
