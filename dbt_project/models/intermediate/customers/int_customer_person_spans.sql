-- Grain: one row per customer of a source and day something else became known of it (validity is exclusive at its end).
with changes as (
    select * from {{ ref('stg_customers__customer_changes') }}
),

shown as (
    select
        customer_key, known_on, observed_on, is_timed, account_key as account, billing_customer_key as billing_customer,
        country_code, region_code, lead_source
    from {{ ref('stg_customers__customers') }}
),

entities as (
    {{ as_agreed('shown', 'changes', 'customer_key',
        ['account', 'billing_customer', 'country_code', 'region_code', 'lead_source']) }}
),

states as (
    {{ history_states('changes', 'entities', 'customer_key',
        ['account', 'billing_customer', 'country_code', 'region_code', 'lead_source']) }}
)

select
    states.customer_key,
    states.valid_from_on,
    coalesce(
        lead(states.valid_from_on) over (partition by states.customer_key order by states.valid_from_on),
        {{ end_of_time() }}
    ) as valid_to_on,
    row_number() over (partition by states.customer_key order by states.valid_from_on) = 1 as is_first,
    shown.is_timed,
    coalesce(identities.canonical_id, states.account) as account_id,
    states.billing_customer as billing_customer_key,
    states.country_code,
    states.region_code,
    states.lead_source
from states
inner join shown on states.customer_key = shown.customer_key
left join {{ ref('int_entity_identities') }} as identities
    on identities.entity = 'account' and states.account = identities.source_key
