-- Grain: one row per tax rate known by the as-of date.
{{ config(materialized='view') }}

select
    tax_rate_id,
    tax_rate_name,
    country_code,
    region_code,
    tax_class,
    customer_kind,
    rate,
    is_reverse_charge,
    valid_from_on,
    valid_to_on,
    {{ tax_specificity() }} + case when customer_kind is null then 0 else 1 end as specificity
from {{ ref('stg_invoicing__tax_rates') }}
where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})
