-- Grain: one row per invoice and as-of date on which money was owed on it, all as known then.
select
    states.invoice_id,
    dates.as_of_date,
    dates.is_current,
    states.customer_key,
    coalesce(states.customer_key, 'invoice ' || states.invoice_id) as payer_id,
    states.currency_code,
    states.issued_on,
    states.due_on,
    states.total_amount,
    balances.balance_amount,
    case
        when states.currency_code = {{ reporting_currency() }} then balances.balance_amount
        else {{ to_reporting('balances.balance_amount', 'rates.known_rate') }}
    end as reporting_balance_amount
from {{ ref('int_customer_invoice_balances') }} as balances
inner join {{ ref('int_as_of_dates') }} as dates on {{ valid_on('balances', 'dates.as_of_date') }}
inner join {{ ref('int_customer_invoice_states') }} as states
    on balances.invoice_id = states.invoice_id and {{ valid_on('states', 'dates.as_of_date') }}
left join {{ ref('int_exchange_rates_daily') }} as rates
    on states.currency_code = rates.currency_code and dates.as_of_date = rates.date_day
where
    balances.balance_amount > 0 and states.issued_on <= dates.as_of_date
    and coalesce(states.status, 'open') not in ('draft', 'void', 'paid', 'uncollectible')
