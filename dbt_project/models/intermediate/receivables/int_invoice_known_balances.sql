-- Grain: one row per invoice and day from which another balance of it was known.
-- A movement counts here from the day it had both happened and become known, unlike in int_receivable_balances.
with daily as (
    select
        moved.invoice_id,
        greatest(moved.occurred_on, moved.known_on) as known_from_on,
        sum(moved.amount) as amount,
        max(moved.occurred_on) as occurred_on,
        sum(moved.amount) filter (where moved.movement = 'write_off') as written_off_amount,
        bool_or(moved.movement = 'invoice' and moved.is_reversal) as is_voided
    from {{ ref('int_receivable_movements') }} as moved
    inner join {{ ref('int_receivable_invoices') }} as invoices
        on moved.invoice_id = invoices.invoice_id
        and moved.currency_code is not distinct from invoices.currency_code
    group by moved.invoice_id, greatest(moved.occurred_on, moved.known_on)
)

select
    daily.invoice_id,
    daily.known_from_on,
    coalesce(lead(daily.known_from_on) over known, {{ end_of_time() }}) as known_to_on,
    cast(sum(daily.amount) over known as {{ type_money() }}) as balance_amount,
    max(daily.occurred_on) over known as latest_occurred_on,
    coalesce(sum(daily.written_off_amount) over known, 0) <> 0 as is_written_off,
    bool_or(daily.is_voided) over known as is_voided
from daily
window known as (partition by daily.invoice_id order by daily.known_from_on)
