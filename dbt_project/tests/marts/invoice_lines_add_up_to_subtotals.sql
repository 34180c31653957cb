-- Revenue is reckoned from lines: what an invoice charges beyond them is in no schedule.
{{ config(severity='warn') }}

with lines as (
    select invoice_id, sum(amount) as amount
    from {{ ref('int_revenue_documents') }}
    where line_kind = 'invoice_line'
    group by invoice_id
)

select invoices.invoice_id, stated.subtotal_amount, lines.amount
from {{ ref('int_receivable_invoices') }} as invoices
inner join {{ ref('stg_invoicing__invoices') }} as stated on invoices.invoice_id = stated.invoice_id
left join lines on invoices.invoice_id = lines.invoice_id
where stated.subtotal_amount <> coalesce(lines.amount, 0)
