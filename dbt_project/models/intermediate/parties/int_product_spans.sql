-- Grain: one row per product and day its state changed (validity is exclusive at its end).
with states as (
    {{ history_states(
        ref('int_product_changes_identified'), ref('int_products_identified'), 'product_id',
        ['name', 'family', 'list_price_amount', 'currency_code']
    ) }}
)

select
    product_id,
    valid_from_on,
    coalesce(
        lead(valid_from_on) over (partition by product_id order by valid_from_on), {{ end_of_time() }}
    ) as valid_to_on,
    name as product_name,
    family as product_family,
    cast(list_price_amount as {{ type_money() }}) as list_price_amount,
    currency_code
from states
