-- Grain: one row per invoice and age class it reached overdue, so long ago that the window to pay is over.
-- All as known then: what was owed on the day it reached the class, and what had become of it a window later.
with classes as (
    {{ collection_class_rows() | indent(4) }}
),

entered as (
    -- A due date may move, or an invoice become known late: it reaches a class on the first day it is seen in it.
    select
        states.invoice_id,
        classes.age_class,
        min(greatest({{ add_days('states.due_on', 'classes.from_days') }}, states.valid_from_on)) as reached_on
    from {{ ref('int_customer_invoice_states') }} as states
    inner join classes
        on {{ add_days('states.due_on', 'classes.from_days') }} < states.valid_to_on
        and (
            classes.to_days is null
            or states.valid_from_on <= {{ add_days('states.due_on', 'classes.to_days') }}
        )
    group by states.invoice_id, classes.age_class
),

followed as (
    select
        entered.*,
        {{ add_days('entered.reached_on', var('collect_window_days') | int) }} as followed_on
    from entered
),

reached as (
    select followed.*, balances.balance_amount as reached_amount
    from followed
    inner join {{ ref('int_customer_invoice_balances') }} as balances
        on followed.invoice_id = balances.invoice_id and {{ valid_on('balances', 'followed.reached_on') }}
    where balances.balance_amount > 0 and followed.followed_on <= {{ as_of_date() }}
),

reduced as (
    -- What reduced the invoice in the window without being money.
    select
        reached.invoice_id,
        reached.age_class,
        -sum(claims.amount) filter (where claims.part = 'credit_note') as credited_amount,
        -sum(claims.amount) filter (where claims.part = 'write_off') as written_off_amount
    from reached
    inner join {{ ref('int_customer_invoice_claims') }} as claims
        on reached.invoice_id = claims.invoice_id and {{ valid_on('claims', 'reached.followed_on') }}
        and claims.valid_from_on > reached.reached_on
    group by reached.invoice_id, reached.age_class
),

outcomes as (
    select
        reached.*,
        states.customer_key,
        states.currency_code,
        least(greatest(coalesce(reduced.credited_amount, 0), 0), reached.reached_amount) as credited_amount,
        case
            when states.status = 'uncollectible' then reached.reached_amount
            else greatest(coalesce(balances.balance_amount, 0), 0) + coalesce(reduced.written_off_amount, 0)
        end as left_amount
    from reached
    -- Gone, taken back or never sent: it was no claim.
    inner join {{ ref('int_customer_invoice_states') }} as states
        on reached.invoice_id = states.invoice_id and {{ valid_on('states', 'reached.followed_on') }}
    left join {{ ref('int_customer_invoice_balances') }} as balances
        on reached.invoice_id = balances.invoice_id and {{ valid_on('balances', 'reached.followed_on') }}
    left join reduced on reached.invoice_id = reduced.invoice_id and reached.age_class = reduced.age_class
    where
        coalesce(states.status, 'open') not in ('draft', 'void')
        and (states.voided_on is null or states.voided_on > reached.followed_on)
)

select
    invoice_id,
    age_class,
    customer_key,
    currency_code,
    reached_on,
    followed_on,
    cast(reached_amount as {{ type_money() }}) as reached_amount,
    cast(credited_amount as {{ type_money() }}) as credited_amount,
    cast(least(greatest(left_amount, 0), reached_amount - credited_amount) as {{ type_money() }}) as unpaid_amount
from outcomes
