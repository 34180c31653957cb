-- Grain: one row per key by which sources name customers, from its first known row on.
-- A customer is known from a row of its own or from the first event that names it.
with seen as (
    select 'customer' as entity, customer_key as entity_key, source_name, known_on
    from {{ ref('stg_customers__customers') }}
    union all
    select 'billing_customer' as entity, customer_key, source_name, known_on
    from {{ ref('stg_billing__billing_customers') }}
    union all
    select entity, entity_key, source_name, valid_from_on from {{ ref('int_customer_order_spans') }}
    union all
    select entity, entity_key, source_name, valid_from_on from {{ ref('int_customer_days') }}
    union all
    select entity, entity_key, source_name, valid_from_on from {{ ref('int_customer_ticket_spans') }}
    union all
    select 'billing_customer' as entity, customer_key, source_name, valid_from_on
    from {{ ref('int_customer_subscription_states') }}
)

select entity, entity_key, min(source_name) as source_name, min(known_on) as known_on
from seen
where entity_key is not null
group by entity, entity_key
