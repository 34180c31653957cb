-- Grain: one row per exemption known by the as-of date.
-- While a customer is exempt from all tax, an exemption without limits holds.
{{ config(materialized='view') }}

with exemptions as (
    select
        stated.tax_exemption_id,
        coalesce(identities.canonical_id, stated.customer_key) as customer_id,
        stated.country_code,
        stated.region_code,
        stated.tax_class,
        stated.valid_from_on,
        stated.valid_to_on
    from {{ ref('stg_invoicing__tax_exemptions') }} as stated
    left join {{ ref('int_entity_identities') }} as identities
        on identities.entity = 'billing_customer' and stated.customer_key = identities.source_key
    where stated.known_on <= {{ as_of_date() }}
        and (stated.deleted_on is null or stated.deleted_on > {{ as_of_date() }})

    union all

    select
        'customer:' || customer_id || ':' || cast(valid_from_on as {{ dbt.type_string() }}) as tax_exemption_id,
        customer_id,
        null as country_code,
        null as region_code,
        null as tax_class,
        valid_from_on,
        valid_to_on
    from {{ ref('int_tax_customer_spans') }}
    where is_tax_exempt
)

select
    tax_exemption_id,
    customer_id,
    country_code,
    region_code,
    tax_class,
    valid_from_on,
    valid_to_on,
    {{ tax_specificity() }} as specificity
from exemptions
