-- Grain: one row per import that refused rows, failed or never ended, and table it refused rows for.
with runs as (
    select
        *,
        -- A later import that finished tells the present state of its source.
        coalesce(
            sum(case when import_status = 'finished' then 1 else 0 end) over (
                partition by source_name
                order by started_at, import_id
                rows between 1 following and unbounded following
            ), 0
        ) = 0 as is_latest
    from {{ ref('stg_imports__runs') }}
),

rejected as (
    select
        import_id,
        table_name,
        file_name,
        line_number,
        reason,
        count(*) over (partition by import_id, table_name) as rejected_count,
        row_number() over (
            partition by import_id, table_name
            order by file_name nulls last, line_number nulls last, reason nulls last
        ) as place
    from {{ ref('stg_imports__rejected_rows') }}
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
    rejected.line_number as first_line_number,
    rejected.reason as example_reason,
    runs.is_latest,
    runs.started_at
from runs
left join rejected on runs.import_id = rejected.import_id and rejected.place = 1
where rejected.import_id is not null or runs.import_status <> 'finished'
