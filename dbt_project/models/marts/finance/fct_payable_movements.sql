-- Grain: one row per movement of a supplier bill: movement, document, direction and day.
select
    movement,
    is_reversal,
    document_id,
    supplier_bill_id,
    supplier_id,
    currency_code,
    occurred_on,
    known_on,
    amount
from {{ ref('int_payable_movements') }}
