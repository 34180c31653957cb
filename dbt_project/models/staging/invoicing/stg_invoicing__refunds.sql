-- Grain: one row per return of money to a customer.
select
    {{ source_key('source_id') }} as refund_id,
    {{ source_key('payment_source_id') }} as payment_id,
    {{ source_key('credit_note_source_id') }} as credit_note_id,
    amount,
    currency_code,
    reason,
    {{ local_date('coalesce(occurred_at, recorded_at, loaded_at)') }} as refunded_on,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'refunds') }}
