-- Grain: one row per movement of a receivable: movement, document, side and day.
select
    movement,
    is_reversal,
    document_id,
    invoice_id is null as is_on_account,
    invoice_id,
    customer_id,
    currency_code,
    occurred_on,
    known_on,
    amount
from {{ ref('int_receivable_movements') }}
