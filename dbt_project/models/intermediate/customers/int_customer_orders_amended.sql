-- Grain: one row per order with a history and day something else became known of it.
-- Validity is exclusive at its end. Few orders have one, so the others need not pass through here.
{%- set agreed = [
    'customer', 'billing_customer', 'account', 'currency_code', 'is_return', 'subtotal_amount', 'total_amount',
    'tax_amount', 'shipping_amount',
] %}
with changes as (
    select * from {{ ref('stg_commerce__order_changes') }} where is_readable
),

shown as (
    select
        order_id,
        known_on,
        observed_on,
        customer_key as customer,
        billing_customer_key as billing_customer,
        account_key as account,
        currency_code,
        status,
        cast(is_return as {{ dbt.type_string() }}) as is_return,
        {%- for amount in agreed[5:] %}
        cast({{ amount }} as {{ dbt.type_string() }}) as {{ amount }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('stg_commerce__orders') }}
    where order_id in (select order_id from changes)
),

entities as (
    {{ as_agreed('shown', 'changes', 'order_id', agreed, ['status']) }}
),

states as (
    {{ history_states('changes', 'entities', 'order_id', agreed + ['status']) }}
)

select
    order_id,
    valid_from_on,
    coalesce(
        lead(valid_from_on) over (partition by order_id order by valid_from_on), {{ end_of_time() }}
    ) as valid_to_on,
    customer as customer_key,
    billing_customer as billing_customer_key,
    account as account_key,
    currency_code,
    status,
    is_return = 'true' as is_return,
    {%- for amount in agreed[5:] %}
    cast({{ amount }} as {{ type_money() }}) as {{ amount }}{{ ',' if not loop.last }}
    {%- endfor %}
from states
