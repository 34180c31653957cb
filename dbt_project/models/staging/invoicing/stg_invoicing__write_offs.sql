-- Grain: one row per receivable given up; negative rows recover.
select
    {{ source_key('source_id') }} as write_off_id,
    {{ source_key('invoice_source_id') }} as invoice_id,
    amount,
    tax_amount,
    currency_code,
    reason,
    coalesce(written_off_on, {{ local_date('coalesce(occurred_at, recorded_at, loaded_at)') }}) as written_off_on,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'write_offs') }}
