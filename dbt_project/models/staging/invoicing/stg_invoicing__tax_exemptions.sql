-- Grain: one row per exemption of a source.
select
    {{ source_key('source_id') }} as tax_exemption_id,
    {{ source_key('billing_customer_source_id') }} as customer_key,
    upper(country_code) as country_code,
    upper(region_code) as region_code,
    tax_class,
    certificate_number,
    coalesce(valid_from, cast('0001-01-01' as date)) as valid_from_on,
    coalesce(valid_to, {{ end_of_time() }}) as valid_to_on,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'tax_exemptions') }}
