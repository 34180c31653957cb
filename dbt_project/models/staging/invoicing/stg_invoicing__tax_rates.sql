-- Grain: one row per tax rate of a source.
select
    {{ source_key('source_id') }} as tax_rate_id,
    name as tax_rate_name,
    upper(country_code) as country_code,
    upper(region_code) as region_code,
    tax_class,
    customer_kind,
    rate,
    coalesce(is_reverse_charge, false) as is_reverse_charge,
    valid_from as valid_from_on,
    coalesce(valid_to, {{ end_of_time() }}) as valid_to_on,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'tax_rates') }}
