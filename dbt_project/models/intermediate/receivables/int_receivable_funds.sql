-- Grain: one row per payment or credit note and time during which it counts.
-- A payment counts from the day its money arrived, while its status is succeeded: one that is returned later stops
-- counting. A credit note counts from its issue until it is voided.
with payments as (
    select
        *,
        coalesce(status, 'succeeded') = 'succeeded' as is_counted,
        sum(case when coalesce(status, 'succeeded') = 'succeeded' then 0 else 1 end) over (
            partition by payment_id order by valid_from_on
        ) as interruption_count,
        lead(known_on) over (partition by payment_id order by valid_from_on) as next_known_on
    from {{ ref('int_payment_spans') }}
),

payment_runs as (
    select
        payment_id, interruption_count, customer_key, named_invoice_id, currency_code, amount, settled_on, occurred_on,
        min(valid_from_on) as run_from_on,
        max(valid_to_on) as run_to_on,
        min(known_on) as known_on,
        max(next_known_on) as ended_known_on,
        row_number() over (partition by payment_id order by min(valid_from_on)) as run_number
    from payments
    where is_counted
    group by
        payment_id, interruption_count, customer_key, named_invoice_id, currency_code, amount, settled_on, occurred_on
),

funds as (
    select
        'payment' as fund_kind,
        payment_id as fund_id,
        customer_key,
        named_invoice_id,
        currency_code,
        amount,
        case
            when run_number = 1 then coalesce(settled_on, greatest(run_from_on, occurred_on))
            else greatest(settled_on, run_from_on)
        end as counts_from_on,
        run_to_on as counts_to_on,
        known_on,
        coalesce(ended_known_on, known_on) as ended_known_on
    from payment_runs

    union all

    select
        'credit_note' as fund_kind,
        credit_note_id as fund_id,
        customer_key,
        invoice_id as named_invoice_id,
        currency_code,
        cast(coalesce(total_amount, subtotal_amount + coalesce(tax_amount, 0)) as {{ type_money() }}) as amount,
        issued_on as counts_from_on,
        case
            when voided_on is not null then voided_on
            when status = 'void' then issued_on
            else {{ end_of_time() }}
        end as counts_to_on,
        known_on,
        greatest(known_on, voided_on) as ended_known_on
    from {{ ref('stg_invoicing__credit_notes') }}
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})
        and status is distinct from 'draft'
)

select
    funds.fund_kind,
    funds.fund_id,
    coalesce(identities.canonical_id, funds.customer_key, invoices.customer_id) as customer_id,
    invoices.invoice_id as named_invoice_id,
    coalesce(funds.currency_code, invoices.currency_code) as currency_code,
    funds.amount,
    funds.counts_from_on,
    funds.counts_to_on,
    funds.known_on,
    funds.ended_known_on
from funds
left join {{ ref('int_entity_identities') }} as identities
    on identities.entity = 'billing_customer' and funds.customer_key = identities.source_key
left join {{ ref('int_receivable_invoices') }} as invoices on funds.named_invoice_id = invoices.invoice_id
where funds.counts_from_on < funds.counts_to_on and funds.amount is not null
