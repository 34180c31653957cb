-- Grain: one row per subscription item and day one of its own fields changed (validity is exclusive at its end).
-- The first span begins with time itself. A start or end that is told after it took effect counts from its own day.
{{ keep_by_customer('subscription_id') }}

with shown as (
    select
        subscription_item_id,
        subscription_id,
        plan_id as plan,
        price_id as price,
        product_key as product,
        {%- for number in ['quantity', 'unit_amount', 'billing_period_count', 'discount_rate', 'discount_amount'] %}
        cast({{ number }} as {{ dbt.type_string() }}) as {{ number }},
        {%- endfor %}
        currency_code,
        billing_period,
        cast(discount_ended_on as {{ dbt.type_string() }}) as discount_ended_on,
        cast(started_on as {{ dbt.type_string() }}) as started_on,
        cast(ended_on as {{ dbt.type_string() }}) as ended_on,
        occurred_on as shown_occurred_on
    from {{ ref('stg_billing__subscription_items') }}
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})
        and {{ is_changed('subscription_id') }}
),

changes as (
    select
        subscription_item_id, field_name, {{ value_before() }} as old_value, new_value, occurred_at, known_at,
        occurred_on, known_on, change_id
    from {{ ref('stg_billing__subscription_changes') }}
    where is_readable and subscription_item_id in (select subscription_item_id from shown)
),

states as (
    {{ tracked_spans('changes', 'shown', 'subscription_item_id', [
        'plan', 'price', 'product', 'quantity', 'unit_amount', 'currency_code', 'billing_period',
        'billing_period_count', 'discount_rate', 'discount_amount', 'discount_ended_on', 'started_on', 'ended_on',
    ]) }}
),

typed as (
    select
        states.subscription_item_id,
        shown.subscription_id,
        states.valid_from_on,
        states.valid_to_on,
        states.plan as plan_id,
        states.price as price_id,
        states.product as product_key,
        {%- for number in ['quantity', 'unit_amount', 'billing_period_count', 'discount_rate', 'discount_amount'] %}
        cast(states.{{ number }} as decimal(24, 8)) as {{ number }},
        {%- endfor %}
        states.currency_code,
        states.billing_period,
        cast(states.discount_ended_on as date) as discount_ended_on,
        coalesce(cast(states.started_on as date), shown.shown_occurred_on) as starts_on,
        cast(states.ended_on as date) as ends_on,
        shown.shown_occurred_on as agreed_on
    from states
    inner join shown on states.subscription_item_id = shown.subscription_item_id
)

select
    subscription_item_id,
    subscription_id,
    valid_from_on,
    valid_to_on,
    plan_id,
    price_id,
    product_key,
    coalesce(quantity, 1) as quantity,
    unit_amount,
    billing_period_count,
    coalesce(discount_rate, 0) as discount_rate,
    coalesce(discount_amount, 0) as discount_amount,
    currency_code,
    billing_period,
    coalesce(discount_ended_on, {{ end_of_time() }}) as discount_ended_on,
    coalesce(
        least(starts_on, {{ told_later('starts_on', 'subscription_item_id') }}), cast('0001-01-01' as date)
    ) as starts_on,
    coalesce(least(ends_on, {{ told_later('ends_on', 'subscription_item_id') }}), {{ end_of_time() }}) as ends_on,
    coalesce(ends_on, {{ end_of_time() }}) as told_ends_on,
    agreed_on
from typed
