-- Grain: one row per line of an issued invoice or credit note, and one per credit note without lines.
-- Credits are negative. gone_on is the day from which a voided document no longer counts, if that has come.
with invoice_lines as (
    select * from {{ ref('stg_invoicing__invoice_lines') }}
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})
        and amount is not null
),

credit_note_lines as (
    select * from {{ ref('stg_invoicing__credit_note_lines') }}
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})
        and amount is not null
),

credit_notes as (
    select
        notes.credit_note_id,
        notes.invoice_id,
        notes.issued_on,
        notes.subtotal_amount,
        notes.total_amount,
        notes.tax_amount,
        case when notes.voided_on <= {{ as_of_date() }} then notes.voided_on end as gone_on,
        coalesce(identities.canonical_id, notes.customer_key, invoices.customer_id) as customer_id,
        coalesce(notes.currency_code, invoices.currency_code) as currency_code
    from {{ ref('stg_invoicing__credit_notes') }} as notes
    left join {{ ref('int_receivable_invoices') }} as invoices on notes.invoice_id = invoices.invoice_id
    left join {{ ref('int_entity_identities') }} as identities
        on identities.entity = 'billing_customer' and notes.customer_key = identities.source_key
    where notes.known_on <= {{ as_of_date() }} and (notes.deleted_on is null or notes.deleted_on > {{ as_of_date() }})
        and notes.status is distinct from 'draft' and notes.issued_on is not null
        -- Voided at once, or without a day: it never counted.
        and (notes.status is distinct from 'void' or notes.voided_on is not null)
        and (notes.voided_on is null or notes.voided_on > notes.issued_on)
)

select
    lines.invoice_line_id as revenue_line_id,
    'invoice_line' as line_kind,
    lines.invoice_id,
    invoices.customer_id,
    coalesce(lines.currency_code, invoices.currency_code) as currency_code,
    invoices.counts_from_on as issued_on,
    case when invoices.counts_to_on <= {{ as_of_date() }} then invoices.counts_to_on end as gone_on,
    cast(lines.amount as {{ type_money() }}) as amount,
    lines.corrected_line_id,
    lines.subscription_item_id,
    lines.product_key,
    lines.price_id,
    lines.service_started_on,
    lines.service_ended_on,
    lines.recognition_method,
    lines.recognised_on
from invoice_lines as lines
inner join {{ ref('int_receivable_invoices') }} as invoices on lines.invoice_id = invoices.invoice_id

union all

select
    'credit_note_line:' || lines.credit_note_line_id as revenue_line_id,
    'credit_note_line' as line_kind,
    notes.invoice_id,
    notes.customer_id,
    coalesce(lines.currency_code, notes.currency_code) as currency_code,
    notes.issued_on,
    notes.gone_on,
    cast(-lines.amount as {{ type_money() }}) as amount,
    lines.invoice_line_id as corrected_line_id,
    null as subscription_item_id,
    null as product_key,
    null as price_id,
    lines.service_started_on,
    lines.service_ended_on,
    null as recognition_method,
    null as recognised_on
from credit_note_lines as lines
inner join credit_notes as notes on lines.credit_note_id = notes.credit_note_id

union all

select
    'credit_note:' || notes.credit_note_id as revenue_line_id,
    'credit_note' as line_kind,
    notes.invoice_id,
    notes.customer_id,
    notes.currency_code,
    notes.issued_on,
    notes.gone_on,
    cast(-coalesce(notes.subtotal_amount, notes.total_amount - coalesce(notes.tax_amount, 0)) as {{ type_money() }})
        as amount,
    null as corrected_line_id,
    null as subscription_item_id,
    null as product_key,
    null as price_id,
    null as service_started_on,
    null as service_ended_on,
    null as recognition_method,
    null as recognised_on
from credit_notes as notes
left join credit_note_lines as lines on notes.credit_note_id = lines.credit_note_id
where lines.credit_note_id is null and coalesce(notes.subtotal_amount, notes.total_amount) is not null
