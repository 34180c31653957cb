-- Grain: one row per customer, with the day from which a source covers it in each kind of thing.
-- A source covers whom it knows, once it delivers that kind at all; and whoever has such a thing himself.
{%- set kinds = ['orders', 'sessions', 'usage', 'tickets', 'subscriptions', 'payments'] %}
with events as (
    select 'orders' as kind, entity, entity_key, source_name, valid_from_on from {{ ref('int_customer_order_spans') }}
    union all
    select 'sessions' as kind, entity, entity_key, source_name, valid_from_on
    from {{ ref('int_customer_days') }}
    where session_count > 0
    union all
    select 'usage' as kind, entity, entity_key, source_name, valid_from_on
    from {{ ref('int_customer_days') }}
    where use_count > 0 or usage_score_count > 0
    union all
    select 'tickets' as kind, entity, entity_key, source_name, valid_from_on from {{ ref('int_customer_ticket_spans') }}
    union all
    select 'subscriptions' as kind, 'billing_customer' as entity, customer_key, source_name, valid_from_on
    from {{ ref('int_customer_subscription_states') }}
    union all
    select 'payments' as kind, 'billing_customer' as entity, customer_key, source_name, known_on
    from {{ ref('int_customer_bills') }}
),

own as (
    select kind, entity, entity_key, source_name, min(valid_from_on) as from_on
    from events
    group by kind, entity, entity_key, source_name
),

sources as (
    select kind, source_name, min(from_on) as from_on from own group by kind, source_name
),

covered as (
    select keys.customer_id, sources.kind, greatest(keys.known_on, sources.from_on) as from_on
    from {{ ref('int_customer_keys') }} as keys
    inner join sources on keys.source_name = sources.source_name
    where keys.entity <> 'account'

    union all

    select keys.customer_id, own.kind, greatest(own.from_on, keys.known_on) as from_on
    from own
    inner join {{ ref('int_customer_keys') }} as keys
        on own.entity = keys.entity and own.entity_key = keys.entity_key
)

select
    customer_id,
    {%- for kind in kinds %}
    min(case when kind = '{{ kind }}' then from_on end) as {{ kind }}_from_on{{ ',' if not loop.last }}
    {%- endfor %}
from covered
group by customer_id
