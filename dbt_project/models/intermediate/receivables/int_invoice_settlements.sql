-- Grain: one row per receivable: when and how it was first settled, and how late, as far as known.
-- Late is what is settled after the due date the invoice had when it was issued.
with beginnings as (
    select
        invoices.invoice_id,
        invoices.customer_id,
        invoices.currency_code,
        invoices.counts_from_on as issued_on,
        due_dates.due_on,
        spans.total_amount,
        spans.known_on
    from {{ ref('int_receivable_invoices') }} as invoices
    inner join {{ ref('int_receivable_due_dates') }} as due_dates
        on invoices.invoice_id = due_dates.invoice_id
        and invoices.counts_from_on >= due_dates.valid_from_on and invoices.counts_from_on < due_dates.valid_to_on
    inner join {{ ref('int_receivable_invoice_spans') }} as spans
        on invoices.invoice_id = spans.invoice_id
        and invoices.counts_from_on >= spans.valid_from_on and invoices.counts_from_on < spans.valid_to_on
    where invoices.counts_from_on <= {{ as_of_date() }} and spans.total_amount > 0
),

settled as (
    select
        balances.*,
        row_number() over (partition by balances.invoice_id order by balances.known_from_on) as settlement_number
    from {{ ref('int_invoice_known_balances') }} as balances
    inner join beginnings on balances.invoice_id = beginnings.invoice_id
    where balances.balance_amount <= 0 and balances.latest_occurred_on >= beginnings.issued_on
        and balances.known_from_on >= greatest(beginnings.issued_on, beginnings.known_on)
)

select
    beginnings.invoice_id,
    beginnings.customer_id,
    beginnings.currency_code,
    beginnings.issued_on,
    greatest(beginnings.issued_on, beginnings.known_on) as issue_known_on,
    beginnings.due_on,
    beginnings.total_amount,
    case
        when settled.is_voided then 'voided'
        when settled.is_written_off then 'written off'
        when settled.invoice_id is not null then 'paid'
        else 'open'
    end as outcome,
    settled.latest_occurred_on as settled_on,
    settled.known_from_on as settled_known_on,
    {{ days_between('beginnings.issued_on', 'settled.latest_occurred_on') }} as days_to_settle,
    {{ days_between('beginnings.due_on', 'settled.latest_occurred_on') }} as days_past_due
from beginnings
left join settled on beginnings.invoice_id = settled.invoice_id and settled.settlement_number = 1
