-- Grain: one row per document and day from which its tax, as its header has it, differs otherwise from its lines'.
-- A document whose header names no tax has that of its lines. step_amount: what the day adds to the difference.
with lines as (
    select document_kind, document_id, currency_code, sum(tax_amount) as tax_amount, count(*) as line_count
    from {{ ref('int_tax_lines') }}
    group by document_kind, document_id, currency_code
),

headers as (
    select document_kind, document_id, valid_from_on, valid_to_on, tax_amount
    from {{ ref('int_tax_document_spans') }}

    union all

    select 'credit_note' as document_kind, credit_note_id, counts_from_on, counts_to_on, tax_amount
    from {{ ref('int_tax_credit_notes') }}

    union all

    select
        'write_off' as document_kind, write_off_id, cast('0001-01-01' as date) as valid_from_on,
        {{ end_of_time() }} as valid_to_on, tax_amount
    from {{ ref('stg_invoicing__write_offs') }}
),

compared as (
    select
        documents.document_kind,
        documents.document_id,
        documents.customer_id,
        documents.currency_code,
        documents.country_code,
        documents.region_code,
        documents.counts_from_on,
        documents.counts_to_on,
        greatest(headers.valid_from_on, documents.counts_from_on) as occurred_on,
        coalesce(lines.line_count, 0) as line_count,
        coalesce(lines.tax_amount, 0) as lines_tax_amount,
        coalesce(headers.tax_amount, lines.tax_amount, 0) as tax_amount
    from {{ ref('int_tax_documents') }} as documents
    inner join headers
        on documents.document_kind = headers.document_kind and documents.document_id = headers.document_id
        and headers.valid_to_on > documents.counts_from_on and headers.valid_from_on < documents.counts_to_on
    left join lines
        on documents.document_kind = lines.document_kind and documents.document_id = lines.document_id
        and documents.currency_code is not distinct from lines.currency_code
)

select
    document_kind, document_id, customer_id, currency_code, country_code, region_code, counts_from_on, counts_to_on,
    occurred_on,
    line_count,
    cast(lines_tax_amount as {{ type_money() }}) as lines_tax_amount,
    cast(tax_amount as {{ type_money() }}) as tax_amount,
    cast(tax_amount - lag(tax_amount, 1, lines_tax_amount) over (
        partition by document_kind, document_id order by occurred_on
    ) as {{ type_money() }}) as step_amount
from compared
