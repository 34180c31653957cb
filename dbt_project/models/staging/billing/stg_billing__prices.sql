-- Grain: one row per price of a source.
-- A count of billing periods that cannot be one, such as 1e-9, is as if it were not there.
select
    {{ source_key('source_id') }} as price_id,
    source_name,
    {{ source_key('plan_source_id') }} as plan_id,
    {{ source_key('product_source_id') }} as product_key,
    unit_amount,
    currency_code,
    billing_period,
    {{ readable_term('billing_period_count') }} as billing_period_count,
    charge_model,
    recognition_method,
    is_tax_inclusive,
    is_active,
    coalesce(recorded_at, occurred_at, observed_at, loaded_at) as known_at,
    {{ local_date('occurred_at') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('coalesce(observed_at, loaded_at)') }} as observed_on,
    {{ local_date('deleted_at') }} as deleted_on,
    coalesce({{ is_within_bounds('billing_period_count') }}, true) as is_readable
from {{ source('raw', 'prices') }}
