-- Grain: one row per part of what is owed on an invoice, or reduces it, and time in which that was known.
-- Parts that are valid on a day add up to what was owed as known then. A payment or credit note without an allocation
-- known by then reduces the invoice it names. An invoice that says it is paid owes nothing, whatever was received.
with funds as (
    select
        'payment' as fund_kind, payment_id as fund_id, invoice_id, amount, occurred_on,
        greatest(valid_from_on, settled_on) as valid_from_on, valid_to_on
    from {{ ref('int_customer_payment_states') }}
    where status = 'succeeded'

    union all

    select
        'credit_note' as fund_kind, credit_note_id as fund_id, invoice_id,
        cast(coalesce(total_amount, subtotal_amount + coalesce(tax_amount, 0)) as {{ type_money() }}) as amount,
        issued_on as occurred_on,
        greatest(known_on, issued_on) as valid_from_on,
        coalesce(least(deleted_on, voided_on), {{ end_of_time() }}) as valid_to_on
    from {{ ref('stg_invoicing__credit_notes') }}
    where issued_on is not null
),

allocations as (
    select 'payment' as fund_kind, payment_id as fund_id, invoice_id, amount, allocated_on, known_on, deleted_on
    from {{ ref('stg_invoicing__payment_allocations') }}
    union all
    select 'credit_note' as fund_kind, credit_note_id as fund_id, invoice_id, amount, allocated_on, known_on, deleted_on
    from {{ ref('stg_invoicing__credit_note_allocations') }}
),

first_allocations as (
    select fund_kind, fund_id, min(known_on) as known_on
    from allocations
    group by fund_kind, fund_id
),

claims as (
    select
        'invoice' as part, invoice_id, total_amount as amount, issued_on as occurred_on,
        coalesce(least(settled_on, voided_on), valid_to_on) as ended_on,
        greatest(valid_from_on, issued_on) as valid_from_on,
        least(valid_to_on, settled_on, voided_on) as valid_to_on
    from {{ ref('int_customer_invoice_states') }}
    where coalesce(status, 'open') not in ('draft', 'void', 'paid', 'uncollectible')

    union all

    select
        funds.fund_kind, funds.invoice_id, -funds.amount as amount, funds.occurred_on, funds.valid_to_on as ended_on,
        funds.valid_from_on,
        least(funds.valid_to_on, first_allocations.known_on) as valid_to_on
    from funds
    left join first_allocations
        on funds.fund_kind = first_allocations.fund_kind and funds.fund_id = first_allocations.fund_id

    union all

    select
        funds.fund_kind, allocations.invoice_id, -cast(allocations.amount as {{ type_money() }}) as amount,
        greatest(funds.occurred_on, allocations.allocated_on) as occurred_on, funds.valid_to_on as ended_on,
        greatest(funds.valid_from_on, allocations.known_on) as valid_from_on,
        least(funds.valid_to_on, allocations.deleted_on) as valid_to_on
    from allocations
    inner join funds on allocations.fund_kind = funds.fund_kind and allocations.fund_id = funds.fund_id

    union all

    select
        'write_off' as part, invoice_id, -cast(amount as {{ type_money() }}) as amount, written_off_on,
        coalesce(deleted_on, {{ end_of_time() }}) as ended_on,
        greatest(known_on, written_off_on) as valid_from_on,
        coalesce(deleted_on, {{ end_of_time() }}) as valid_to_on
    from {{ ref('stg_invoicing__write_offs') }}
)

select part, invoice_id, amount, occurred_on, ended_on, valid_from_on, valid_to_on
from claims
where invoice_id is not null and amount <> 0 and valid_from_on < valid_to_on
