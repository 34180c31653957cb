-- Grain: one row per payment of a source, tries included.
select
    {{ source_key('source_id') }} as payment_id,
    source_name,
    {{ source_key('billing_customer_source_id') }} as customer_key,
    {{ source_key('invoice_source_id') }} as invoice_id,
    status,
    currency_code,
    amount,
    fee_amount,
    payment_method,
    attempt_number,
    failure_code,
    settled_on,
    {{ local_date('coalesce(occurred_at, recorded_at, observed_at, loaded_at)') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'payments') }}
