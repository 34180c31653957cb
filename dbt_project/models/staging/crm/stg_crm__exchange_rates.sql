-- Grain: one row per rate as published.
select
    {{ source_key('source_id') }} as exchange_rate_id,
    from_currency_code,
    to_currency_code,
    rate,
    rate_on,
    coalesce(recorded_at, occurred_at, loaded_at) as known_at,
    {{ local_date('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'exchange_rates') }}
