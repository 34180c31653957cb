-- Grain: one row per plan, as known last by the as-of date.
with changes as (
    select
        plan_id, field_name, {{ value_before() }} as old_value, new_value, occurred_at, known_at, occurred_on,
        known_on, change_id
    from {{ ref('stg_billing__plan_changes') }}
    where is_readable
),

shown as (
    select
        plan_id,
        product_key as product,
        cast(tier_order as {{ dbt.type_string() }}) as tier_order,
        tax_class
    from {{ ref('stg_billing__plans') }}
    where known_on <= {{ as_of_date() }}
),

states as (
    {{ tracked_spans('changes', 'shown', 'plan_id', ['product', 'tier_order', 'tax_class']) }}
)

select
    states.plan_id,
    plans.plan_name,
    coalesce(identities.canonical_id, states.product) as product_id,
    cast(states.tier_order as {{ type_double() }}) as tier_order,
    states.tax_class
from states
inner join {{ ref('stg_billing__plans') }} as plans on states.plan_id = plans.plan_id
left join {{ ref('int_entity_identities') }} as identities
    on identities.entity = 'product' and states.product = identities.source_key
where states.valid_to_on = {{ end_of_time() }}
