-- Grain: one row per movement of an invoice by itself: issued, adjusted, voided, written off.
with spans as (
    select
        invoices.invoice_id,
        invoices.customer_id,
        invoices.currency_code,
        invoices.counts_to_on,
        greatest(spans.valid_from_on, invoices.counts_from_on) as occurred_on,
        spans.valid_to_on,
        spans.known_on,
        coalesce(spans.total_amount, 0) as total_amount,
        lag(coalesce(spans.total_amount, 0)) over (
            partition by invoices.invoice_id order by spans.valid_from_on
        ) as earlier_amount
    from {{ ref('int_receivable_invoices') }} as invoices
    inner join {{ ref('int_receivable_invoice_spans') }} as spans on invoices.invoice_id = spans.invoice_id
    where spans.valid_to_on > invoices.counts_from_on and spans.valid_from_on < invoices.counts_to_on
),

voids as (
    select
        invoices.invoice_id, invoices.customer_id, invoices.currency_code, invoices.counts_to_on, spans.known_on
    from {{ ref('int_receivable_invoices') }} as invoices
    inner join {{ ref('int_receivable_invoice_spans') }} as spans
        on invoices.invoice_id = spans.invoice_id
        and invoices.counts_to_on >= spans.valid_from_on and invoices.counts_to_on < spans.valid_to_on
),

write_offs as (
    select
        written.write_off_id,
        invoices.invoice_id,
        invoices.customer_id,
        coalesce(written.currency_code, invoices.currency_code) as currency_code,
        invoices.counts_to_on,
        greatest(written.written_off_on, invoices.counts_from_on) as occurred_on,
        written.known_on,
        cast(written.amount as {{ type_money() }}) as amount
    from {{ ref('stg_invoicing__write_offs') }} as written
    inner join {{ ref('int_receivable_invoices') }} as invoices on written.invoice_id = invoices.invoice_id
    where written.known_on <= {{ as_of_date() }}
        and (written.deleted_on is null or written.deleted_on > {{ as_of_date() }})
        and greatest(written.written_off_on, invoices.counts_from_on) < invoices.counts_to_on
)

select
    case when earlier_amount is null then 'invoice' else 'adjustment' end as movement,
    false as is_reversal,
    invoice_id as document_id,
    invoice_id, customer_id, currency_code, occurred_on, known_on,
    total_amount - coalesce(earlier_amount, 0) as amount
from spans

union all

-- What was voided is no receivable any more, and nothing is left of it to give up.
select
    'invoice' as movement,
    true as is_reversal,
    spans.invoice_id as document_id,
    voids.invoice_id,
    spans.customer_id, spans.currency_code, voids.counts_to_on as occurred_on, voids.known_on,
    -spans.total_amount as amount
from spans
inner join voids on spans.invoice_id = voids.invoice_id
where spans.valid_to_on >= voids.counts_to_on

union all

select
    'write_off' as movement,
    false as is_reversal,
    write_off_id as document_id,
    invoice_id, customer_id, currency_code, occurred_on, known_on,
    -amount as amount
from write_offs

union all

select
    'write_off' as movement,
    true as is_reversal,
    write_offs.write_off_id as document_id,
    write_offs.invoice_id, write_offs.customer_id, write_offs.currency_code,
    voids.counts_to_on as occurred_on,
    greatest(voids.known_on, write_offs.known_on) as known_on,
    write_offs.amount
from write_offs
inner join voids on write_offs.invoice_id = voids.invoice_id
