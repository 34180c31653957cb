-- Grain: one row per open supplier bill, currency and day from which its amount or due date is another.
-- Without a due date a bill is due when it is issued; one that never counts (a draft) is never due, and what was paid of
-- it is an advance. Settled ones have no row.
with due_dates as (
    select
        bills.supplier_bill_id,
        -- The first due date holds before the bill counts too, as that of a receivable does.
        case
            when spans.valid_from_on <= bills.counts_from_on then cast('0001-01-01' as date) else spans.valid_from_on
        end as valid_from_on,
        spans.valid_to_on,
        coalesce(spans.due_on, bills.counts_from_on) as due_on
    from {{ ref('int_payable_bills') }} as bills
    inner join {{ ref('int_payable_bill_spans') }} as spans on bills.supplier_bill_id = spans.supplier_bill_id
    -- What a draft said before it was issued was never owed.
    where bills.counts_from_on < bills.counts_to_on and spans.valid_to_on > bills.counts_from_on
),

points as (
    select supplier_bill_id, supplier_id, currency_code, occurred_on as valid_from_on, amount
    from {{ ref('int_payable_movements') }}

    union all

    select distinct
        moved.supplier_bill_id, moved.supplier_id, moved.currency_code, due_dates.valid_from_on,
        cast(0 as {{ type_money() }}) as amount
    from due_dates
    inner join {{ ref('int_payable_movements') }} as moved
        on due_dates.supplier_bill_id = moved.supplier_bill_id and due_dates.valid_from_on > moved.occurred_on
),

daily as (
    select supplier_bill_id, supplier_id, currency_code, valid_from_on, sum(amount) as amount
    from points
    group by supplier_bill_id, supplier_id, currency_code, valid_from_on
),

running as (
    select
        supplier_bill_id,
        supplier_id,
        currency_code,
        valid_from_on,
        lead(valid_from_on) over payable as next_from_on,
        sum(amount) over payable as balance_amount
    from daily
    window payable as (partition by supplier_bill_id, supplier_id, currency_code order by valid_from_on)
)

select
    running.supplier_bill_id,
    running.supplier_id,
    running.currency_code,
    running.valid_from_on,
    coalesce(running.next_from_on, {{ end_of_time() }}) as valid_to_on,
    due_dates.due_on,
    cast(running.balance_amount as {{ type_money() }}) as balance_amount
from running
left join due_dates
    on running.supplier_bill_id = due_dates.supplier_bill_id
    and running.valid_from_on >= due_dates.valid_from_on and running.valid_from_on < due_dates.valid_to_on
where running.balance_amount <> 0
