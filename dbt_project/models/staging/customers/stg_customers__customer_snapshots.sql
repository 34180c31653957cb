-- Grain: one row per labelled snapshot that a team has made itself.
select
    {{ source_key('source_id') }} as snapshot_id,
    source_name,
    {{ source_key('customer_source_id') }} as customer_key,
    {{ local_date('snapshot_at') }} as snapshot_on,
    activity_7d,
    activity_30d,
    time_since_last_use_days,
    failed_renewals_30d,
    tickets_7d,
    tickets_30d,
    plan_value,
    usage_score,
    region,
    is_churned,
    {{ local_date('labelled_at') }} as labelled_on,
    greatest(
        {{ local_date('snapshot_at') }}, {{ local_date('coalesce(recorded_at, occurred_at, snapshot_at)') }}
    ) as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'customer_snapshots') }}
