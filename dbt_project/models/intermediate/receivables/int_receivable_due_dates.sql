-- Grain: one row per receivable and day from which another due date holds.
-- Without a due date an invoice is due when it is issued. The first holds from the beginning of time.
with dated as (
    select
        invoices.invoice_id,
        spans.valid_from_on,
        spans.known_on,
        coalesce(spans.due_on, invoices.counts_from_on) as due_on,
        lag(coalesce(spans.due_on, invoices.counts_from_on)) over (
            partition by invoices.invoice_id order by spans.valid_from_on
        ) as earlier_due_on
    from {{ ref('int_receivable_invoices') }} as invoices
    inner join {{ ref('int_receivable_invoice_spans') }} as spans on invoices.invoice_id = spans.invoice_id
    -- What a draft said before it was issued was never owed.
    where spans.valid_to_on > invoices.counts_from_on
)

select
    invoice_id,
    case when earlier_due_on is null then cast('0001-01-01' as date) else valid_from_on end as valid_from_on,
    coalesce(
        lead(valid_from_on) over (partition by invoice_id order by valid_from_on), {{ end_of_time() }}
    ) as valid_to_on,
    known_on,
    due_on
from dated
where earlier_due_on is null or earlier_due_on <> due_on
