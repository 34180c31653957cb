-- Grain: one row per document that can carry tax: invoice, credit note, write-off, supplier bill.
-- It counts from counts_from_on to the day before counts_to_on, as in receivables and payables.
select
    'invoice' as document_kind,
    invoice_id as document_id,
    customer_id,
    currency_code,
    country_code,
    region_code,
    is_reverse_charge,
    counts_from_on,
    counts_to_on
from {{ ref('int_tax_invoices') }}

union all

select
    'credit_note' as document_kind, credit_note_id, customer_id, currency_code, country_code, region_code,
    is_reverse_charge,
    counts_from_on, counts_to_on
from {{ ref('int_tax_credit_notes') }}

union all

select
    'write_off' as document_kind, written.write_off_id, invoices.customer_id,
    coalesce(written.currency_code, invoices.currency_code) as currency_code,
    invoices.country_code, invoices.region_code, invoices.is_reverse_charge,
    greatest(written.written_off_on, invoices.counts_from_on) as counts_from_on, invoices.counts_to_on
from {{ ref('stg_invoicing__write_offs') }} as written
inner join {{ ref('int_tax_invoices') }} as invoices on written.invoice_id = invoices.invoice_id
where written.known_on <= {{ as_of_date() }}
    and (written.deleted_on is null or written.deleted_on > {{ as_of_date() }})
    and greatest(written.written_off_on, invoices.counts_from_on) < invoices.counts_to_on

union all

-- A bill without a country is taxed where its supplier is, unless it is for the buyer to tax it.
select
    'supplier_bill' as document_kind, bills.supplier_bill_id, null as customer_id, bills.currency_code,
    coalesce(latest.country_code, upper(suppliers.country_code)) as country_code,
    case when latest.country_code is null then upper(suppliers.region_code) else latest.region_code end as region_code,
    latest.is_reverse_charge, bills.counts_from_on, bills.counts_to_on
from {{ ref('int_payable_bills') }} as bills
inner join {{ ref('int_tax_document_spans') }} as latest
    on latest.document_kind = 'supplier_bill' and bills.supplier_bill_id = latest.document_id
    and latest.valid_to_on = {{ end_of_time() }}
left join {{ ref('stg_invoicing__suppliers') }} as suppliers
    on bills.supplier_id = suppliers.supplier_id and not coalesce(latest.is_reverse_charge, false)
    and suppliers.known_on <= {{ as_of_date() }}
where bills.counts_from_on < bills.counts_to_on
