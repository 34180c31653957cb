-- Grain: one row per invoice of a source.
-- A draft has no day of issue; another without one was issued when the source says that it happened.
select
    {{ source_key('source_id') }} as invoice_id,
    source_name,
    {{ source_key('billing_customer_source_id') }} as customer_key,
    {{ source_key('subscription_source_id') }} as subscription_id,
    invoice_number,
    status,
    currency_code,
    subtotal_amount,
    tax_amount,
    total_amount,
    case
        when issued_on is not null or status = 'draft' then issued_on
        else {{ local_date('coalesce(occurred_at, recorded_at, observed_at, loaded_at)') }}
    end as issued_on,
    due_on,
    settled_on,
    {{ local_date('voided_at') }} as voided_on,
    is_disputed,
    country_code,
    region_code,
    is_reverse_charge,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('coalesce(observed_at, loaded_at)') }} as observed_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'invoices') }}
