-- Grain: one row per product.
-- Of several source rows of one product, the one known first speaks for what was only observed.
with named as (
    select
        sources.*,
        coalesce(identities.canonical_id, sources.product_key) as product_id,
        row_number() over (
            partition by coalesce(identities.canonical_id, sources.product_key)
            order by sources.known_at, sources.product_key
        ) as source_number
    from {{ ref('stg_crm__products') }} as sources
    left join {{ ref('int_entity_identities') }} as identities
        on identities.entity = 'product' and sources.product_key = identities.source_key
)

select
    product_id,
    source_name,
    billing_period,
    known_on,
    observed_on,
    cast(product_name as {{ dbt.type_string() }}) as observed_name,
    cast(family as {{ dbt.type_string() }}) as observed_family,
    cast(list_price_amount as {{ dbt.type_string() }}) as observed_list_price_amount,
    cast(currency_code as {{ dbt.type_string() }}) as observed_currency_code
from named
where source_number = 1
