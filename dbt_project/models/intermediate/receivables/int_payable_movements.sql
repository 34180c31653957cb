-- Grain: one row per movement of a supplier bill up to the as-of date.
-- A bill that says it was paid, and of which no payment is told, is taken to have been paid the day it said so.
with spans as (
    select
        bills.*,
        greatest(spans.valid_from_on, bills.counts_from_on) as occurred_on,
        spans.valid_to_on,
        spans.known_on,
        coalesce(spans.total_amount, 0) as total_amount,
        lag(coalesce(spans.total_amount, 0)) over (
            partition by bills.supplier_bill_id order by spans.valid_from_on
        ) as earlier_amount
    from {{ ref('int_payable_bills') }} as bills
    inner join {{ ref('int_payable_bill_spans') }} as spans on bills.supplier_bill_id = spans.supplier_bill_id
    where spans.valid_to_on > bills.counts_from_on and spans.valid_from_on < bills.counts_to_on
        and bills.counts_from_on < bills.counts_to_on
),

payments as (
    select
        paid.supplier_payment_id,
        paid.supplier_bill_id,
        bills.supplier_id,
        coalesce(paid.currency_code, bills.currency_code) as currency_code,
        paid.paid_on,
        paid.known_on,
        cast(paid.amount as {{ type_money() }}) as amount
    from {{ ref('stg_invoicing__supplier_payments') }} as paid
    left join {{ ref('int_payable_bills') }} as bills on paid.supplier_bill_id = bills.supplier_bill_id
    where paid.known_on <= {{ as_of_date() }} and (paid.deleted_on is null or paid.deleted_on > {{ as_of_date() }})
),

movements as (
    select
        case when earlier_amount is null then 'bill' else 'adjustment' end as movement,
        false as is_reversal,
        supplier_bill_id as document_id,
        supplier_bill_id, supplier_id, currency_code, occurred_on, known_on,
        total_amount - coalesce(earlier_amount, 0) as amount
    from spans

    union all

    select
        'bill' as movement, true as is_reversal, supplier_bill_id as document_id, spans.supplier_bill_id, supplier_id,
        currency_code, counts_to_on as occurred_on, greatest(known_on, latest_known_on) as known_on,
        -total_amount as amount
    from spans
    where valid_to_on >= counts_to_on and counts_to_on < {{ end_of_time() }}

    union all

    select
        'payment' as movement, false as is_reversal, supplier_payment_id as document_id, supplier_bill_id, supplier_id,
        currency_code, paid_on as occurred_on, known_on, -amount as amount
    from payments

    union all

    select
        'settlement' as movement, false as is_reversal, spans.supplier_bill_id as document_id, spans.supplier_bill_id,
        spans.supplier_id, spans.currency_code, spans.stated_settled_on as occurred_on,
        greatest(spans.stated_settled_on, spans.latest_known_on) as known_on, -spans.total_amount as amount
    from spans
    left join (select distinct supplier_bill_id from payments) as paid on spans.supplier_bill_id = paid.supplier_bill_id
    where paid.supplier_bill_id is null and spans.stated_settled_on < spans.counts_to_on
        and spans.stated_settled_on >= spans.occurred_on and spans.stated_settled_on < spans.valid_to_on
)

select
    movement,
    is_reversal,
    document_id,
    supplier_bill_id,
    supplier_id,
    currency_code,
    occurred_on,
    known_on,
    cast(amount as {{ type_money() }}) as amount
from movements
where occurred_on <= {{ as_of_date() }} and amount <> 0
