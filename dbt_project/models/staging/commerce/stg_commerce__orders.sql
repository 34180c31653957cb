-- Grain: one row per order of a source.
select
    {{ source_key('source_id') }} as order_id,
    source_name,
    {{ source_key('customer_source_id') }} as customer_key,
    {{ source_key('account_source_id') }} as account_key,
    {{ source_key('billing_customer_source_id') }} as billing_customer_key,
    status,
    currency_code,
    -- Net of tax, shipping and discounts; lines say it better where there are any.
    subtotal_amount,
    total_amount,
    tax_amount,
    shipping_amount,
    country_code,
    region_code,
    channel,
    is_return,
    {{ source_key('returned_order_source_id') }} as returned_order_id,
    occurred_at,
    {{ local_date('occurred_at') }} as ordered_on,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('coalesce(observed_at, loaded_at)') }} as observed_on,
    coalesce(recorded_at, occurred_at) is not null as is_timed,
    coalesce(recorded_at < occurred_at, false) as is_recorded_early,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'orders') }}
