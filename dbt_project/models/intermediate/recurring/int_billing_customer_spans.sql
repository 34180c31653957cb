-- Grain: one row per billing customer and day its state changed (validity is exclusive at its end).
-- The first span begins with time itself.
with changes as (
    select
        coalesce(identities.canonical_id, changes.customer_key) as customer_id,
        changes.field_name,
        {{ value_before() }} as old_value,
        changes.new_value,
        changes.occurred_at,
        changes.known_at,
        changes.occurred_on,
        changes.known_on,
        changes.change_id
    from {{ ref('stg_billing__billing_customer_changes') }} as changes
    left join {{ ref('int_entity_identities') }} as identities
        on identities.entity = 'billing_customer' and changes.customer_key = identities.source_key
    where changes.is_readable
),

states as (
    {{ tracked_spans('changes', ref('int_billing_customers_identified'), 'customer_id', [
        'account', 'country_code', 'region_code', 'currency_code', 'tax_number', 'is_business', 'is_tax_exempt',
        'payment_terms_days',
    ]) }}
)

select
    states.customer_id,
    states.valid_from_on,
    states.valid_to_on,
    coalesce(identities.canonical_id, states.account) as account_id,
    states.country_code,
    states.region_code,
    states.currency_code,
    states.tax_number,
    cast(states.is_business as boolean) as is_business,
    cast(states.is_tax_exempt as boolean) as is_tax_exempt,
    cast(states.payment_terms_days as {{ type_double() }}) as payment_terms_days
from states
left join {{ ref('int_entity_identities') }} as identities
    on identities.entity = 'account' and states.account = identities.source_key
