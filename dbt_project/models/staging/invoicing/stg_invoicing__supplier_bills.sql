-- Grain: one row per supplier bill of a source.
select
    {{ source_key('source_id') }} as supplier_bill_id,
    {{ source_key('supplier_source_id') }} as supplier_id,
    bill_number,
    status,
    currency_code,
    subtotal_amount,
    tax_amount,
    total_amount,
    coalesce(issued_on, {{ local_date('coalesce(occurred_at, recorded_at, observed_at, loaded_at)') }}) as issued_on,
    due_on,
    {{ local_date('voided_at') }} as voided_on,
    category,
    country_code,
    region_code,
    is_reverse_charge,
    {{ known_on('coalesce(recorded_at, occurred_at, observed_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'supplier_bills') }}
