-- Grain: one row per milestone of an invoice line.
select
    {{ source_key('source_id') }} as milestone_id,
    {{ source_key('invoice_line_source_id') }} as invoice_line_id,
    name as milestone_name,
    planned_on,
    completed_on,
    share_rate,
    amount,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'revenue_milestones') }}
