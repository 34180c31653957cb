-- Grain: one row per exemption known by the as-of date.
-- What metrics.tax_rate reads.
select
    tax_exemption_id,
    customer_id,
    country_code,
    region_code,
    tax_class,
    valid_from_on,
    valid_to_on,
    cast(specificity as integer) as specificity
from {{ ref('int_tax_exemptions_known') }}
