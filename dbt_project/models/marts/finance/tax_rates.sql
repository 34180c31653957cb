-- Grain: one row per tax rate known by the as-of date.
-- What metrics.tax_rate reads.
select
    tax_rate_id,
    tax_rate_name,
    country_code,
    region_code,
    tax_class,
    customer_kind,
    cast(rate as {{ type_double() }}) as rate,
    is_reverse_charge,
    valid_from_on,
    valid_to_on,
    cast(specificity as integer) as specificity
from {{ ref('int_tax_rates_known') }}
