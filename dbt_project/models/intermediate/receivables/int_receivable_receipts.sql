-- Grain: one row per movement of a payment, credit note or refund, on account or on an invoice.
-- Money and credits go on account, and from there to the invoices they are applied to: both sides are rows, so that
-- what is not applied yet stays on account. Money that is returned comes from the account.
with applied as (
    select
        applications.fund_kind,
        applications.application_id,
        applications.invoice_id,
        invoices.customer_id as invoice_customer_id,
        funds.customer_id as fund_customer_id,
        coalesce(applications.currency_code, funds.currency_code) as currency_code,
        applications.amount,
        greatest(applications.applied_on, funds.counts_from_on) as occurred_on,
        funds.counts_to_on,
        greatest(applications.known_on, funds.known_on) as known_on,
        greatest(applications.known_on, funds.ended_known_on) as ended_known_on
    from {{ ref('int_receivable_applications') }} as applications
    inner join {{ ref('int_receivable_funds') }} as funds
        on applications.fund_kind = funds.fund_kind and applications.fund_id = funds.fund_id
    inner join {{ ref('int_receivable_invoices') }} as invoices on applications.invoice_id = invoices.invoice_id
    where greatest(applications.applied_on, funds.counts_from_on) < funds.counts_to_on
),

payers as (
    select fund_kind, fund_id, max(customer_id) as customer_id, max(currency_code) as currency_code
    from {{ ref('int_receivable_funds') }}
    group by fund_kind, fund_id
)

{% for is_reversal, occurred_on, known_on, sign in [
    ('false', 'counts_from_on', 'known_on', '-'), ('true', 'counts_to_on', 'ended_known_on', '')
] %}
select
    fund_kind as movement,
    {{ is_reversal }} as is_reversal,
    fund_id as document_id,
    cast(null as {{ dbt.type_string() }}) as invoice_id,
    customer_id,
    currency_code,
    {{ occurred_on }} as occurred_on,
    {{ known_on }}{{ ' as known_on' if known_on != 'known_on' }},
    {{ sign }}amount{{ ' as amount' if sign }}
from {{ ref('int_receivable_funds') }}
where {{ occurred_on }} < {{ end_of_time() }}

union all
{% endfor %}
{%- for is_reversal, occurred_on, known_on in [
    ('false', 'occurred_on', 'known_on'), ('true', 'counts_to_on', 'ended_known_on')
] %}
{%- for invoice, customer, is_reduced in [
    ('applied.invoice_id', 'invoice_customer_id', is_reversal == 'false'), ('cast(null as ' ~ dbt.type_string() ~ ')', 'fund_customer_id', is_reversal == 'true')
] %}
select
    fund_kind || '_application' as movement,
    {{ is_reversal }} as is_reversal,
    application_id as document_id,
    {{ invoice }}{{ ' as invoice_id' if invoice != 'applied.invoice_id' }},
    {{ customer }} as customer_id,
    currency_code,
    {{ occurred_on }}{{ ' as occurred_on' if occurred_on != 'occurred_on' }},
    {{ known_on }}{{ ' as known_on' if known_on != 'known_on' }},
    {{ '-' if is_reduced }}amount{{ ' as amount' if is_reduced }}
from applied
where {{ occurred_on }} < {{ end_of_time() }}

union all
{% endfor %}
{%- endfor %}
select
    'refund' as movement,
    false as is_reversal,
    refunds.refund_id as document_id,
    cast(null as {{ dbt.type_string() }}) as invoice_id,
    payers.customer_id,
    coalesce(refunds.currency_code, payers.currency_code) as currency_code,
    refunds.refunded_on as occurred_on,
    refunds.known_on,
    cast(refunds.amount as {{ type_money() }}) as amount
from {{ ref('stg_invoicing__refunds') }} as refunds
left join payers
    on coalesce(refunds.credit_note_id, refunds.payment_id) = payers.fund_id
    and payers.fund_kind = case when refunds.credit_note_id is not null then 'credit_note' else 'payment' end
where refunds.known_on <= {{ as_of_date() }}
    and (refunds.deleted_on is null or refunds.deleted_on > {{ as_of_date() }})
