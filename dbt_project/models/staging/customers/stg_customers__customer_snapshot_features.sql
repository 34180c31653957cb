-- Grain: one row per further feature of a snapshot.
select
    {{ source_key('source_id') }} as snapshot_feature_id,
    {{ source_key('customer_snapshot_source_id') }} as snapshot_id,
    name as feature_name,
    number_value,
    text_value,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'customer_snapshot_features') }}
