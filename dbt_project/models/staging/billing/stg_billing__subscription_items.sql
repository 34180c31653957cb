-- Grain: one row per item of a subscription of a source.
select
    {{ source_key('source_id') }} as subscription_item_id,
    source_name,
    {{ source_key('subscription_source_id') }} as subscription_id,
    {{ source_key('plan_source_id') }} as plan_id,
    {{ source_key('price_source_id') }} as price_id,
    {{ source_key('product_source_id') }} as product_key,
    quantity,
    unit_amount,
    currency_code,
    billing_period,
    billing_period_count,
    discount_rate,
    discount_amount,
    discount_ended_on,
    started_on,
    ended_on,
    coalesce(recorded_at, occurred_at, observed_at, loaded_at) as known_at,
    {{ local_date('occurred_at') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('coalesce(observed_at, loaded_at)') }} as observed_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'subscription_items') }}
