-- Grain: one row per day of use that a source has summed.
-- It happened on its day: without a time of its own it is known from then on.
with dated as (
    select
        *,
        {{ local_date('coalesce(recorded_at, occurred_at)') }} as told_on
    from {{ source('raw', 'daily_usage') }}
)

select
    {{ source_key('source_id') }} as daily_usage_id,
    source_name,
    {{ source_key('customer_source_id') }} as customer_key,
    {{ source_key('billing_customer_source_id') }} as billing_customer_key,
    {{ source_key('account_source_id') }} as account_key,
    feature_name,
    event_count,
    cast(usage_score as decimal(9, 6)) as usage_score,
    usage_on as occurred_on,
    greatest(coalesce(told_on, usage_on), usage_on) as known_on,
    {{ local_date('deleted_at') }} as deleted_on,
    coalesce({{ local_date('recorded_at') }} < usage_on, false) as is_recorded_early
from dated
