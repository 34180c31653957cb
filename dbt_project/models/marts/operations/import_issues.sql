-- Grain: one row per import that refused rows, failed or never ended, and table it refused rows for.
with runs as (
    select * from {{ ref('stg_imports__runs') }}
),

rejected as (
    select
        import_id,
        table_name,
        count(*) as rejected_count,
        min(file_name) as file_name,
        min(line_number) as first_line_number,
        min(reason) as example_reason
    from {{ ref('stg_imports__rejected_rows') }}
    group by import_id, table_name
)

select
    runs.import_id,
    coalesce(rejected.table_name, '(none)') as table_name,
    runs.source_name,
    runs.import_status,
    runs.error,
    runs.read_count,
    runs.accepted_count,
    coalesce(rejected.rejected_count, 0) as rejected_count,
    rejected.file_name,
    rejected.first_line_number,
    rejected.example_reason,
    runs.started_at
from runs
left join rejected on runs.import_id = rejected.import_id
where rejected.import_id is not null or runs.import_status <> 'finished'
