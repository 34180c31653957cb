-- Grain: one row per price and day something else became known of it (validity is exclusive at its end).
{%- set texts = ['plan', 'currency_code', 'billing_period', 'charge_model'] -%}
{%- set numbers = ['unit_amount', 'billing_period_count'] %}
with changes as (
    select * from {{ ref('stg_billing__price_changes') }} where is_readable
),

shown as (
    select
        price_id, known_on, observed_on, plan_id as plan, currency_code, billing_period, charge_model,
        cast(unit_amount as {{ dbt.type_string() }}) as unit_amount,
        cast(billing_period_count as {{ dbt.type_string() }}) as billing_period_count
    from {{ ref('stg_billing__prices') }}
),

entities as (
    {{ as_agreed('shown', 'changes', 'price_id', texts + numbers) }}
),

states as (
    {{ history_states('changes', 'entities', 'price_id', texts + numbers) }}
)

select
    price_id,
    valid_from_on,
    coalesce(
        lead(valid_from_on) over (partition by price_id order by valid_from_on), {{ end_of_time() }}
    ) as valid_to_on,
    plan as plan_id,
    currency_code,
    billing_period,
    charge_model,
    {%- for number in numbers %}
    cast({{ number }} as decimal(24, 8)) as {{ number }}{{ ',' if not loop.last }}
    {%- endfor %}
from states
