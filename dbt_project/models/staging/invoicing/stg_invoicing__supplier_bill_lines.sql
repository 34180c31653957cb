-- Grain: one row per line of a supplier bill.
select
    {{ source_key('source_id') }} as supplier_bill_line_id,
    {{ source_key('supplier_bill_source_id') }} as supplier_bill_id,
    description,
    category,
    amount,
    tax_amount,
    {{ source_key('tax_rate_source_id') }} as tax_rate_id,
    tax_class,
    currency_code,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'supplier_bill_lines') }}
