-- Grain: one row per credit note of a source; amounts are positive.
-- A draft has no day of issue; another without one was issued when the source says that it happened.
select
    {{ source_key('source_id') }} as credit_note_id,
    {{ source_key('billing_customer_source_id') }} as customer_key,
    {{ source_key('invoice_source_id') }} as invoice_id,
    credit_note_number,
    status,
    currency_code,
    subtotal_amount,
    tax_amount,
    total_amount,
    case
        when issued_on is not null or status = 'draft' then issued_on
        else {{ local_date('coalesce(occurred_at, recorded_at, observed_at, loaded_at)') }}
    end as issued_on,
    {{ local_date('voided_at') }} as voided_on,
    reason,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'credit_notes') }}
