-- Grain: one row per line of a credit note; amounts are positive.
select
    {{ source_key('source_id') }} as credit_note_line_id,
    {{ source_key('credit_note_source_id') }} as credit_note_id,
    {{ source_key('invoice_line_source_id') }} as invoice_line_id,
    {{ source_key('tax_rate_source_id') }} as tax_rate_id,
    description,
    quantity,
    amount,
    tax_amount,
    tax_class,
    currency_code,
    service_started_on,
    service_ended_on,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'credit_note_lines') }}
