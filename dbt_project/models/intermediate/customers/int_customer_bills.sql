-- Grain: one row per invoice and per payment: whose it is and since when it is known.
select
    'invoice' as document,
    invoice_id as document_id,
    source_name,
    customer_key,
    known_on
from {{ ref('stg_invoicing__invoices') }}
where customer_key is not null

union all

select
    'payment' as document,
    payments.payment_id as document_id,
    payments.source_name,
    coalesce(payments.customer_key, invoices.customer_key) as customer_key,
    payments.known_on
from {{ ref('stg_invoicing__payments') }} as payments
left join {{ ref('stg_invoicing__invoices') }} as invoices on payments.invoice_id = invoices.invoice_id
where coalesce(payments.customer_key, invoices.customer_key) is not null
