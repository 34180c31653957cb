-- Grain: one row per part of a payment or credit note that reduces an invoice.
-- A payment or credit note that names an invoice and has no allocation at all is applied to it whole.
with allocations as (
    select 'payment' as fund_kind, payment_id as fund_id, allocation_id, invoice_id, currency_code, amount,
        allocated_on, known_on, deleted_on
    from {{ ref('stg_invoicing__payment_allocations') }}
    union all
    select 'credit_note' as fund_kind, credit_note_id as fund_id, allocation_id, invoice_id, currency_code, amount,
        allocated_on, known_on, deleted_on
    from {{ ref('stg_invoicing__credit_note_allocations') }}
),

known as (
    select * from allocations
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})
),

allocated as (
    select distinct fund_kind, fund_id from known
)

select
    known.fund_kind,
    known.fund_id,
    known.allocation_id as application_id,
    known.invoice_id,
    known.currency_code,
    cast(known.amount as {{ type_money() }}) as amount,
    known.allocated_on as applied_on,
    known.known_on
from known

union all

select distinct
    funds.fund_kind,
    funds.fund_id,
    funds.fund_id as application_id,
    funds.named_invoice_id as invoice_id,
    funds.currency_code,
    funds.amount,
    cast('0001-01-01' as date) as applied_on,
    cast('0001-01-01' as date) as known_on
from {{ ref('int_receivable_funds') }} as funds
left join allocated on funds.fund_kind = allocated.fund_kind and funds.fund_id = allocated.fund_id
where funds.named_invoice_id is not null and allocated.fund_id is null
