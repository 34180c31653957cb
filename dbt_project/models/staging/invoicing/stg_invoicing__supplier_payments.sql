-- Grain: one row per payment of a supplier bill; negative rows take back.
select
    {{ source_key('source_id') }} as supplier_payment_id,
    {{ source_key('supplier_bill_source_id') }} as supplier_bill_id,
    amount,
    currency_code,
    payment_method,
    {{ local_date('coalesce(occurred_at, recorded_at, loaded_at)') }} as paid_on,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'supplier_payments') }}
