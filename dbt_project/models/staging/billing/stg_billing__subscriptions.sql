-- Grain: one row per subscription of a source.
-- Times become days of the reporting time zone.
select
    {{ source_key('source_id') }} as subscription_id,
    source_name,
    {{ source_key('billing_customer_source_id') }} as customer_key,
    {{ source_key('deal_source_id') }} as deal_key,
    status,
    currency_code,
    {{ local_date('started_at') }} as started_on,
    {{ local_date('trial_started_at') }} as trial_started_on,
    {{ local_date('trial_ended_at') }} as trial_ended_on,
    {{ local_date('current_period_started_at') }} as current_period_started_on,
    {{ local_date('current_period_ended_at') }} as current_period_ended_on,
    {{ local_date('committed_until') }} as committed_until_on,
    {{ local_date('cancel_requested_at') }} as cancel_requested_on,
    {{ local_date('cancels_at') }} as cancels_on,
    {{ local_date('ended_at') }} as ended_on,
    {{ local_date('paused_at') }} as paused_on,
    {{ local_date('resumes_at') }} as resumes_on,
    is_auto_renewed,
    cancel_reason,
    coalesce(recorded_at, occurred_at, observed_at, loaded_at) as known_at,
    {{ local_date('occurred_at') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('coalesce(observed_at, loaded_at)') }} as observed_on,
    {{ local_date('deleted_at') }} as deleted_on,
    {{ row_fingerprint('source_row') }} as row_fingerprint
from {{ source('raw', 'subscriptions') }} as source_row
