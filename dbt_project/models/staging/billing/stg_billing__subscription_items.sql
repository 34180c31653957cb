-- Grain: one row per item of a subscription of a source.
-- A number that cannot be one of its kind, such as a billing period count of 1e-9, is as if it were not there.
{%- set bounded = ['billing_period_count', 'quantity', 'discount_rate', 'discount_amount'] %}
select
    {{ source_key('source_id') }} as subscription_item_id,
    source_name,
    {{ source_key('subscription_source_id') }} as subscription_id,
    {{ source_key('plan_source_id') }} as plan_id,
    {{ source_key('price_source_id') }} as price_id,
    {{ source_key('product_source_id') }} as product_key,
    {{ readable_term('quantity') }} as quantity,
    unit_amount,
    currency_code,
    billing_period,
    {{ readable_term('billing_period_count') }} as billing_period_count,
    {{ readable_term('discount_rate') }} as discount_rate,
    {{ readable_term('discount_amount') }} as discount_amount,
    discount_ended_on,
    started_on,
    ended_on,
    coalesce(recorded_at, occurred_at, observed_at, loaded_at) as known_at,
    {{ local_date('occurred_at') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('coalesce(observed_at, loaded_at)') }} as observed_on,
    {{ local_date('deleted_at') }} as deleted_on,
    {% for field in bounded -%}
    coalesce({{ is_within_bounds(field) }}, true){{ ' and ' if not loop.last else ' as is_readable,' }}
    {% endfor -%}
    {{ row_fingerprint('source_row') }} as row_fingerprint
from {{ source('raw', 'subscription_items') }} as source_row
