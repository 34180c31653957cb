-- Grain: one row per labelled snapshot of a customer that a team has made itself.
-- As far as known by the run's as-of date; a label that became known later is null.
{%- set label_known_on = 'coalesce(snapshots.labelled_on, snapshots.known_on)' %}

select
    snapshots.snapshot_id,
    coalesce(keys.customer_id, snapshots.customer_key) as customer_id,
    snapshots.source_name,
    snapshots.snapshot_on as as_of_date,
    snapshots.known_on,
    {%- for name in [
        'activity_7d', 'activity_30d', 'time_since_last_use_days', 'failed_renewals_30d', 'tickets_7d', 'tickets_30d',
        'plan_value', 'usage_score',
    ] %}
    cast(snapshots.{{ name }} as {{ type_double() }}) as {{ name }},
    {%- endfor %}
    snapshots.region,
    case when {{ label_known_on }} <= {{ as_of_date() }} then snapshots.is_churned end as is_churned,
    case when snapshots.is_churned is not null and {{ label_known_on }} <= {{ as_of_date() }}
        then {{ label_known_on }} end as label_known_on
from {{ ref('stg_customers__customer_snapshots') }} as snapshots
left join {{ ref('int_customer_keys') }} as keys
    on keys.entity = 'customer' and snapshots.customer_key = keys.entity_key
where
    snapshots.known_on <= {{ as_of_date() }}
    and (snapshots.deleted_on is null or snapshots.deleted_on > {{ as_of_date() }})
