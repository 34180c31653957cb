-- Grain: one row per open supplier bill, currency and day from which its amount or due date is another.
-- What metrics.ap_aging reads: a balance holds from valid_from_on to the day before valid_to_on.
select
    balances.supplier_bill_id,
    balances.supplier_id,
    suppliers.supplier_name,
    balances.currency_code,
    balances.valid_from_on,
    balances.valid_to_on,
    balances.due_on,
    balances.due_on is not null and balances.balance_amount > 0 as is_open,
    balances.balance_amount
from {{ ref('int_payable_balances') }} as balances
left join {{ ref('stg_invoicing__suppliers') }} as suppliers
    on balances.supplier_id = suppliers.supplier_id
