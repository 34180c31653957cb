-- Grain: one row per import.
select
    import_id,
    source_name,
    read_count,
    accepted_count,
    changed_count,
    rejected_count,
    status as import_status,
    error,
    started_at,
    finished_at
from {{ source('imports', 'import_runs') }}
