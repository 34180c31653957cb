-- Grain: one row per invoice and day from which something else was known to be owed (validity is exclusive at its end).
with events as (
    select invoice_id, valid_from_on, amount, occurred_on, case when part = 'write_off' then 1 else 0 end as written_off
    from {{ ref('int_customer_invoice_claims') }}

    union all

    select
        invoice_id, valid_to_on, -amount as amount, least(ended_on, valid_to_on) as occurred_on,
        case when part = 'write_off' then -1 else 0 end as written_off
    from {{ ref('int_customer_invoice_claims') }}
    where valid_to_on < {{ end_of_time() }}
),

daily as (
    select
        invoice_id,
        valid_from_on,
        sum(amount) as amount,
        max(occurred_on) as occurred_on,
        sum(written_off) as written_off
    from events
    group by invoice_id, valid_from_on
)

select
    invoice_id,
    valid_from_on,
    coalesce(lead(valid_from_on) over known, {{ end_of_time() }}) as valid_to_on,
    cast(sum(amount) over known as {{ type_money() }}) as balance_amount,
    max(occurred_on) over known as latest_occurred_on,
    sum(written_off) over known > 0 as is_written_off
from daily
window known as (partition by invoice_id order by valid_from_on)
