-- Grain: one row per further feature of a labelled snapshot.
-- A feature called as a column of ftr_customer_snapshots is left out: the column speaks.
select
    snapshots.snapshot_id,
    features.feature_name,
    cast(max(features.number_value) as {{ type_double() }}) as number_value,
    max(features.text_value) as text_value
from {{ ref('ftr_customer_snapshots') }} as snapshots
inner join {{ ref('stg_customers__customer_snapshot_features') }} as features
    on snapshots.snapshot_id = features.snapshot_id
where
    features.deleted_on is null
    and features.feature_name not in (
        'activity_7d', 'activity_30d', 'time_since_last_use_days', 'failed_renewals_30d', 'tickets_7d', 'tickets_30d',
        'plan_value', 'usage_score', 'region', 'is_churned'
    )
group by snapshots.snapshot_id, features.feature_name
