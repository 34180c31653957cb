-- Grain: one row per customer and as-of date by which it had an invoice settled or overdue, as known then.
{%- set counters = ['late_count', 'paid_count', 'days_late'] %}
with settled as (
    select
        balances.invoice_id,
        balances.valid_from_on as known_on,
        balances.latest_occurred_on as settled_on,
        balances.is_written_off,
        row_number() over (partition by balances.invoice_id order by balances.valid_from_on) as settlement_number
    from {{ ref('int_customer_invoice_balances') }} as balances
    where balances.balance_amount <= 0
),

moved as (
    -- What was settled within the year, and what is overdue on the day.
    select
        dates.as_of_date, states.customer_key, states.currency_code,
        1 as paid_count,
        case when settled.settled_on > states.due_on then 1 else 0 end as late_count,
        greatest({{ days_between('states.due_on', 'settled.settled_on') }}, 0) as days_late,
        0 as overdue_count,
        0 as overdue_amount
    from settled
    inner join {{ ref('int_customer_invoice_states') }} as states
        on settled.invoice_id = states.invoice_id and {{ valid_on('states', 'settled.known_on') }}
    inner join {{ ref('int_customer_as_of_dates') }} as dates
        on settled.known_on <= dates.as_of_date and settled.settled_on > {{ add_days('dates.as_of_date', -365) }}
    where
        settled.settlement_number = 1 and not settled.is_written_off and states.voided_on is null
        and coalesce(states.status, 'open') not in ('draft', 'void', 'uncollectible')

    union all

    select
        dates.as_of_date, states.customer_key, states.currency_code, 0 as paid_count, 0 as late_count, 0 as days_late,
        1 as overdue_count, balances.balance_amount
    from {{ ref('int_customer_invoice_balances') }} as balances
    inner join {{ ref('int_customer_as_of_dates') }} as dates on {{ valid_on('balances', 'dates.as_of_date') }}
    inner join {{ ref('int_customer_invoice_states') }} as states
        on balances.invoice_id = states.invoice_id and {{ valid_on('states', 'dates.as_of_date') }}
    where balances.balance_amount > 0 and states.due_on < dates.as_of_date
),

by_currency as (
    select
        keys.customer_id,
        moved.as_of_date,
        moved.currency_code,
        {%- for name in counters + ['overdue_count', 'overdue_amount'] %}
        sum(moved.{{ name }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from moved
    inner join {{ ref('int_customer_keys') }} as keys
        on keys.entity = 'billing_customer' and moved.customer_key = keys.entity_key
        and keys.known_on <= moved.as_of_date
    group by keys.customer_id, moved.as_of_date, moved.currency_code
)

select
    by_currency.customer_id,
    by_currency.as_of_date,
    {%- for name in counters + ['overdue_count'] %}
    coalesce(sum({{ name }}), 0) as {{ name }},
    {%- endfor %}
    case
        when count(*) filter (where by_currency.overdue_amount <> 0 and rates.known_rate is null) = 0
            then coalesce(sum({{ to_reporting('by_currency.overdue_amount', 'rates.known_rate') }}), 0)
    end as overdue_amount,
    count(*) filter (where by_currency.overdue_amount <> 0 and rates.known_rate is null)
        as currency_without_rate_count
from by_currency
left join {{ ref('int_exchange_rates_daily') }} as rates
    on by_currency.currency_code = rates.currency_code and by_currency.as_of_date = rates.date_day
group by by_currency.customer_id, by_currency.as_of_date
