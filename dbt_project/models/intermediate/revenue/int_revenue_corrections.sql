-- Grain: one row per document line and revenue line whose consideration it changes.
-- Lines of credit notes change the line they name, or all lines of the invoice they name; so do invoice lines that
-- correct another without a service period of their own. All other lines are revenue lines by themselves.
with named as (
    select
        documents.revenue_line_id,
        charges.revenue_line_id as changed_line_id,
        documents.amount
    from {{ ref('int_revenue_documents') }} as documents
    inner join {{ ref('int_revenue_documents') }} as charges
        on documents.corrected_line_id = charges.revenue_line_id
        and documents.currency_code is not distinct from charges.currency_code
    where charges.line_kind = 'invoice_line'
        and (
            charges.corrected_line_id is null
            or (charges.service_started_on is not null and charges.service_ended_on is not null)
        )
        and (
            documents.line_kind = 'credit_note_line'
            or documents.service_started_on is null or documents.service_ended_on is null
        )
),

corrections as (
    select revenue_line_id, changed_line_id, amount from named
    union all
    select revenue_line_id, changed_line_id, amount from {{ ref('int_revenue_credits_spread') }}
)

select
    corrections.revenue_line_id,
    corrections.changed_line_id,
    corrections.amount,
    greatest(documents.issued_on, charges.issued_on) as changed_on,
    documents.gone_on
from corrections
inner join {{ ref('int_revenue_documents') }} as documents
    on corrections.revenue_line_id = documents.revenue_line_id
inner join {{ ref('int_revenue_documents') }} as charges
    on corrections.changed_line_id = charges.revenue_line_id
