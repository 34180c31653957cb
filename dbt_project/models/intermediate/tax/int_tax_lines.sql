-- Grain: one row per line of a document that can carry tax.
-- What corrects or credits a line is taxed as on the day of that line's invoice; a credit also where that was.
with lines as (
    select
        'invoice' as document_kind, invoice_id as document_id, invoice_line_id as line_id,
        corrected_line_id, currency_code, tax_class, tax_rate_id, amount, tax_amount
    from {{ ref('stg_invoicing__invoice_lines') }}
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})

    union all

    select
        'credit_note' as document_kind, credit_note_id as document_id, credit_note_line_id as line_id,
        invoice_line_id as corrected_line_id, currency_code, tax_class, tax_rate_id, amount, tax_amount
    from {{ ref('stg_invoicing__credit_note_lines') }}
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})

    union all

    select
        'supplier_bill' as document_kind, supplier_bill_id as document_id, supplier_bill_line_id as line_id,
        null as corrected_line_id, currency_code, tax_class, tax_rate_id, amount, tax_amount
    from {{ ref('stg_invoicing__supplier_bill_lines') }}
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})
),

placed as (
    select
        lines.*,
        coalesce(lines.currency_code, documents.currency_code) as charged_currency_code,
        documents.customer_id,
        case when documents.document_kind = 'credit_note' and corrected.invoice_id is not null
            then corrected.country_code else documents.country_code end as country_code,
        case when documents.document_kind = 'credit_note' and corrected.invoice_id is not null
            then corrected.region_code else documents.region_code end as region_code,
        documents.is_reverse_charge,
        documents.counts_from_on,
        documents.counts_to_on,
        coalesce(corrected.counts_from_on, documents.counts_from_on) as rated_on
    from lines
    inner join {{ ref('int_tax_documents') }} as documents
        on lines.document_kind = documents.document_kind and lines.document_id = documents.document_id
    left join {{ ref('stg_invoicing__invoice_lines') }} as corrected_lines
        on lines.corrected_line_id = corrected_lines.invoice_line_id
        and corrected_lines.known_on <= {{ as_of_date() }}
    left join {{ ref('int_tax_invoices') }} as corrected on corrected_lines.invoice_id = corrected.invoice_id
)

select
    placed.document_kind,
    placed.document_id,
    placed.line_id,
    placed.customer_id,
    case when placed.document_kind = 'supplier_bill' then 'business'
        else coalesce(customers.customer_kind, 'consumer') end as customer_kind,
    placed.charged_currency_code as currency_code,
    placed.country_code,
    placed.region_code,
    placed.tax_class,
    placed.tax_rate_id as stated_tax_rate_id,
    placed.is_reverse_charge,
    placed.counts_from_on,
    placed.counts_to_on,
    placed.rated_on,
    cast(coalesce(placed.amount, 0) as {{ type_money() }}) as net_amount,
    cast(coalesce(placed.tax_amount, 0) as {{ type_money() }}) as tax_amount
from placed
left join {{ ref('int_tax_customer_spans') }} as customers
    on placed.customer_id = customers.customer_id and {{ valid_on('customers', 'placed.rated_on') }}
