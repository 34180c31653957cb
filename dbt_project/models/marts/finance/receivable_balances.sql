-- Grain: one row per open receivable and day from which its amount or due date is another.
-- What metrics.ar_aging reads: a balance holds from valid_from_on to the day before valid_to_on.
select
    balances.invoice_id,
    balances.customer_id,
    customers.customer_name,
    balances.currency_code,
    balances.valid_from_on,
    balances.valid_to_on,
    balances.due_on,
    balances.invoice_id is not null and balances.balance_amount > 0 as is_open,
    balances.balance_amount
from {{ ref('int_receivable_balances') }} as balances
left join {{ ref('int_billing_customers_identified') }} as customers
    on balances.customer_id = customers.customer_id
