-- Grain: one row per open receivable and day from which its amount or due date is another.
-- A receivable is an invoice, or what a customer has on account (no invoice), by currency. Settled ones have no row.
with points as (
    select invoice_id, customer_id, currency_code, occurred_on as valid_from_on, amount
    from {{ ref('int_receivable_movements') }}

    union all

    select distinct
        moved.invoice_id, moved.customer_id, moved.currency_code, due_dates.valid_from_on,
        cast(0 as {{ type_money() }}) as amount
    from {{ ref('int_receivable_due_dates') }} as due_dates
    inner join {{ ref('int_receivable_movements') }} as moved
        on due_dates.invoice_id = moved.invoice_id and due_dates.valid_from_on > moved.occurred_on
),

daily as (
    select invoice_id, customer_id, currency_code, valid_from_on, sum(amount) as amount
    from points
    group by invoice_id, customer_id, currency_code, valid_from_on
),

running as (
    select
        invoice_id,
        customer_id,
        currency_code,
        valid_from_on,
        lead(valid_from_on) over receivable as next_from_on,
        sum(amount) over receivable as balance_amount
    from daily
    window receivable as (partition by invoice_id, customer_id, currency_code order by valid_from_on)
)

select
    running.invoice_id,
    running.customer_id,
    running.currency_code,
    running.valid_from_on,
    coalesce(running.next_from_on, {{ end_of_time() }}) as valid_to_on,
    due_dates.due_on,
    cast(running.balance_amount as {{ type_money() }}) as balance_amount
from running
left join {{ ref('int_receivable_due_dates') }} as due_dates
    on running.invoice_id = due_dates.invoice_id
    and running.valid_from_on >= due_dates.valid_from_on and running.valid_from_on < due_dates.valid_to_on
where running.balance_amount <> 0
