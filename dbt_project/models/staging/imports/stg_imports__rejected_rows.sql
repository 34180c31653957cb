-- Grain: one row per refused row of a file.
select
    import_id,
    table_name,
    file_name,
    line_number,
    reason
from {{ source('imports', 'rejected_rows') }}
