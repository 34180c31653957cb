-- Grain: one row per credit note that counts, with the place whose tax it takes back.
-- That of the invoice it names, or else of the first whose lines it credits, or else its customer's.
with credited as (
    select lines.credit_note_id, min(invoice_lines.invoice_id) as invoice_id
    from {{ ref('stg_invoicing__credit_note_lines') }} as lines
    inner join {{ ref('stg_invoicing__invoice_lines') }} as invoice_lines
        on lines.invoice_line_id = invoice_lines.invoice_line_id
        and invoice_lines.known_on <= {{ as_of_date() }}
    inner join {{ ref('int_tax_invoices') }} as invoices on invoice_lines.invoice_id = invoices.invoice_id
    where lines.known_on <= {{ as_of_date() }} and (lines.deleted_on is null or lines.deleted_on > {{ as_of_date() }})
    group by lines.credit_note_id
)

select
    notes.fund_id as credit_note_id,
    notes.customer_id,
    notes.currency_code,
    notes.counts_from_on,
    notes.counts_to_on,
    case when invoices.invoice_id is null then customers.country_code else invoices.country_code end as country_code,
    case when invoices.invoice_id is null then customers.region_code else invoices.region_code end as region_code,
    invoices.is_reverse_charge,
    cast(coalesce(stated.tax_amount, stated.total_amount - stated.subtotal_amount) as {{ type_money() }})
        as tax_amount
from {{ ref('int_receivable_funds') }} as notes
inner join {{ ref('stg_invoicing__credit_notes') }} as stated on notes.fund_id = stated.credit_note_id
left join credited on notes.fund_id = credited.credit_note_id
left join {{ ref('int_tax_invoices') }} as invoices
    on coalesce(notes.named_invoice_id, credited.invoice_id) = invoices.invoice_id
left join {{ ref('int_tax_customer_spans') }} as customers
    on notes.customer_id = customers.customer_id and {{ valid_on('customers', 'notes.counts_from_on') }}
where notes.fund_kind = 'credit_note'
