-- Grain: one row per billing customer.
-- Of several source rows of one customer, the one known first speaks for what was only observed.
with named as (
    select
        sources.*,
        coalesce(identities.canonical_id, sources.customer_key) as customer_id,
        row_number() over (
            partition by coalesce(identities.canonical_id, sources.customer_key)
            order by sources.known_at, sources.customer_key
        ) as source_number
    from {{ ref('stg_billing__billing_customers') }} as sources
    left join {{ ref('int_entity_identities') }} as identities
        on identities.entity = 'billing_customer' and sources.customer_key = identities.source_key
)

select
    customer_id,
    source_name,
    customer_name,
    email,
    known_on,
    observed_on,
    deleted_on,
    account_key as account,
    country_code,
    region_code,
    currency_code,
    tax_number,
    cast(is_business as {{ dbt.type_string() }}) as is_business,
    cast(is_tax_exempt as {{ dbt.type_string() }}) as is_tax_exempt,
    cast(payment_terms_days as {{ dbt.type_string() }}) as payment_terms_days
from named
where source_number = 1
