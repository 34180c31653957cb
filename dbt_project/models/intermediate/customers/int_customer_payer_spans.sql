-- Grain: one row per billing customer of a source and day something else became known of it.
-- Validity is exclusive at its end.
with changes as (
    select * from {{ ref('stg_billing__billing_customer_changes') }} where is_readable
),

shown as (
    select
        customer_key, known_on, observed_on, is_timed, account_key as account, country_code, region_code, currency_code
    from {{ ref('stg_billing__billing_customers') }}
),

entities as (
    {{ as_agreed('shown', 'changes', 'customer_key', ['account', 'country_code', 'region_code', 'currency_code']) }}
),

states as (
    {{ history_states('changes', 'entities', 'customer_key',
        ['account', 'country_code', 'region_code', 'currency_code']) }}
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
    states.country_code,
    states.region_code,
    states.currency_code
from states
inner join shown on states.customer_key = shown.customer_key
left join {{ ref('int_entity_identities') }} as identities
    on identities.entity = 'account' and states.account = identities.source_key
