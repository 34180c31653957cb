-- Grain: one row per invoice that is or was a receivable, with the place whose tax applies, as known last.
-- Without a country of its own it has that of its customer on the day of issue.
select
    invoices.invoice_id,
    invoices.customer_id,
    invoices.currency_code,
    invoices.counts_from_on,
    invoices.counts_to_on,
    coalesce(latest.country_code, customers.country_code) as country_code,
    case when latest.country_code is null then customers.region_code else latest.region_code end as region_code,
    latest.is_reverse_charge
from {{ ref('int_receivable_invoices') }} as invoices
inner join {{ ref('int_tax_document_spans') }} as latest
    on latest.document_kind = 'invoice' and invoices.invoice_id = latest.document_id
    and latest.valid_to_on = {{ end_of_time() }}
left join {{ ref('int_tax_customer_spans') }} as customers
    on invoices.customer_id = customers.customer_id and {{ valid_on('customers', 'invoices.counts_from_on') }}
