-- Grain: one row per price and day it changed (validity is exclusive at its end).
-- The first span begins with time itself. A price that was deleted is not offered any more, and goes on pricing the
-- items that have it.
with changes as (
    select
        price_id, field_name, {{ value_before() }} as old_value, new_value, occurred_at, known_at, occurred_on,
        known_on, change_id
    from {{ ref('stg_billing__price_changes') }}
    where is_readable
),

shown as (
    select
        price_id,
        plan_id as plan,
        product_key as product,
        cast(unit_amount as {{ dbt.type_string() }}) as unit_amount,
        currency_code,
        billing_period,
        cast(billing_period_count as {{ dbt.type_string() }}) as billing_period_count,
        charge_model
    from {{ ref('stg_billing__prices') }}
    where known_on <= {{ as_of_date() }}
),

states as (
    {{ tracked_spans('changes', 'shown', 'price_id', [
        'plan', 'product', 'unit_amount', 'currency_code', 'billing_period', 'billing_period_count', 'charge_model',
    ]) }}
)

select
    price_id,
    valid_from_on,
    valid_to_on,
    plan as plan_id,
    product as product_key,
    cast(unit_amount as decimal(24, 8)) as unit_amount,
    currency_code,
    billing_period,
    cast(billing_period_count as decimal(24, 8)) as billing_period_count,
    charge_model
from states
