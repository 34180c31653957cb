-- Grain: one row per movement of a receivable up to the as-of date.
-- An invoice that says it was settled, and to which no payment was ever applied, is taken to have been paid that day.
with charges_and_receipts as (
    select * from {{ ref('int_receivable_charges') }}
    union all
    select * from {{ ref('int_receivable_receipts') }}
),

paid as (
    select distinct invoice_id
    from charges_and_receipts
    where movement = 'payment_application' and invoice_id is not null
),

settlements as (
    select
        invoices.invoice_id,
        invoices.customer_id,
        moved.currency_code,
        invoices.stated_settled_on,
        greatest(invoices.stated_settled_on, invoices.latest_known_on, max(moved.known_on)) as known_on,
        -sum(moved.amount) as amount
    from {{ ref('int_receivable_invoices') }} as invoices
    inner join charges_and_receipts as moved
        on invoices.invoice_id = moved.invoice_id and moved.occurred_on <= invoices.stated_settled_on
    left join paid on invoices.invoice_id = paid.invoice_id
    where paid.invoice_id is null and invoices.stated_settled_on < invoices.counts_to_on
    group by
        invoices.invoice_id, invoices.customer_id, moved.currency_code, invoices.stated_settled_on,
        invoices.latest_known_on
),

movements as (
    select * from charges_and_receipts
    union all
    select
        'settlement' as movement,
        false as is_reversal,
        invoice_id as document_id,
        settlements.invoice_id,
        customer_id, currency_code, stated_settled_on as occurred_on, known_on, amount
    from settlements
)

select
    movement,
    is_reversal,
    document_id,
    invoice_id,
    customer_id,
    currency_code,
    occurred_on,
    known_on,
    cast(amount as {{ type_money() }}) as amount
from movements
where occurred_on <= {{ as_of_date() }} and amount <> 0
