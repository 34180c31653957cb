-- Grain: one row per subscription item and day something else became known of it (validity is exclusive at its end).
{%- set numbers = ['quantity', 'unit_amount', 'billing_period_count', 'discount_rate', 'discount_amount'] -%}
{%- set texts = ['plan', 'price', 'currency_code', 'billing_period'] -%}
{%- set dates = ['discount_ended_on', 'started_on', 'ended_on'] %}
with changes as (
    select * from {{ ref('stg_billing__subscription_changes') }}
    where is_readable and subscription_item_id is not null
),

shown as (
    select
        subscription_item_id,
        known_on,
        observed_on,
        plan_id as plan,
        price_id as price,
        currency_code,
        billing_period,
        {%- for column in numbers + dates %}
        cast({{ column }} as {{ dbt.type_string() }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('stg_billing__subscription_items') }}
),

entities as (
    {{ as_agreed('shown', 'changes', 'subscription_item_id', texts + numbers + dates) }}
),

states as (
    {{ history_states('changes', 'entities', 'subscription_item_id', texts + numbers + dates) }}
)

select
    states.subscription_item_id,
    items.subscription_id,
    states.valid_from_on,
    coalesce(
        lead(states.valid_from_on) over (partition by states.subscription_item_id order by states.valid_from_on),
        {{ end_of_time() }}
    ) as valid_to_on,
    items.deleted_on,
    states.plan as plan_id,
    states.price as price_id,
    states.currency_code,
    states.billing_period,
    {%- for number in numbers %}
    cast(states.{{ number }} as decimal(24, 8)) as {{ number }},
    {%- endfor %}
    cast(states.discount_ended_on as date) as discount_ended_on,
    coalesce(cast(states.started_on as date), items.occurred_on) as started_on,
    cast(states.ended_on as date) as ended_on
from states
inner join {{ ref('stg_billing__subscription_items') }} as items
    on states.subscription_item_id = items.subscription_item_id
