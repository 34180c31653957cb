-- Grain: one row per part of a credit note that reduces an invoice; negative rows take back.
select
    {{ source_key('source_id') }} as allocation_id,
    {{ source_key('credit_note_source_id') }} as credit_note_id,
    {{ source_key('invoice_source_id') }} as invoice_id,
    amount,
    currency_code,
    {{ local_date('coalesce(occurred_at, recorded_at, loaded_at)') }} as allocated_on,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'credit_note_allocations') }}
