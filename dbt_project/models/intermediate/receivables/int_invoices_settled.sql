-- Grain: one row per invoice on which nothing was owed any more, as it was when that was first known.
-- Nothing learnt later changes a row, so that what a past date knew is found again.
with settled as (
    select
        invoice_id,
        valid_from_on as known_on,
        least(latest_occurred_on, valid_from_on) as settled_on,
        is_written_off,
        row_number() over (partition by invoice_id order by valid_from_on) as settlement_number
    from {{ ref('int_customer_invoice_balances') }}
    where balance_amount <= 0
)

select
    settled.invoice_id,
    coalesce(states.customer_key, 'invoice ' || settled.invoice_id) as payer_id,
    settled.known_on,
    settled.settled_on,
    states.invoice_id is not null and not settled.is_written_off and states.voided_on is null
    and states.issued_on is not null
    and coalesce(states.status, 'open') not in ('draft', 'void', 'uncollectible') as is_paid,
    {{ days_between('states.due_on', 'settled.settled_on') }} as days_past_due
from settled
-- An invoice that was deleted has no state on the day.
left join {{ ref('int_customer_invoice_states') }} as states
    on settled.invoice_id = states.invoice_id and {{ valid_on('states', 'settled.known_on') }}
where settled.settlement_number = 1
