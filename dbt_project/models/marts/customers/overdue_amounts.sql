-- Grain: one row per customer and age class with anything overdue on the as-of date, and what of it stays unpaid.
with overdue as (
    select
        keys.customer_id,
        balances.balance_amount,
        {{ days_between('states.due_on', as_of_date()) }} as overdue_days,
        {{ to_reporting('balances.balance_amount', 'rates.known_rate') }} as overdue_amount
    from {{ ref('int_customer_invoice_balances') }} as balances
    inner join {{ ref('int_customer_invoice_states') }} as states
        on balances.invoice_id = states.invoice_id and {{ valid_on('states', as_of_date()) }}
    inner join {{ ref('int_customer_keys') }} as keys
        on keys.entity = 'billing_customer' and states.customer_key = keys.entity_key
        and keys.known_on <= {{ as_of_date() }}
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on states.currency_code = rates.currency_code and rates.date_day = {{ as_of_date() }}
    where
        {{ valid_on('balances', as_of_date()) }}
        and balances.balance_amount > 0 and states.due_on < {{ as_of_date() }}
),

aged as (
    select
        overdue.customer_id,
        rates.as_of_date,
        rates.age_class,
        rates.from_days,
        rates.reporting_currency_code,
        rates.unpaid_rate,
        count(*) as overdue_invoice_count,
        count(*) filter (where overdue.overdue_amount is null) as without_rate_count,
        sum(overdue.overdue_amount) as known_amount
    from overdue
    inner join {{ ref('collection_rates') }} as rates
        on overdue.overdue_days >= rates.from_days
        and (rates.to_days is null or overdue.overdue_days <= rates.to_days)
    group by
        overdue.customer_id, rates.as_of_date, rates.age_class, rates.from_days, rates.reporting_currency_code,
        rates.unpaid_rate
),

final as (
    select
        *,
        case when without_rate_count = 0 then known_amount end as overdue_amount
    from aged
)

select
    as_of_date,
    customer_id,
    age_class,
    from_days,
    reporting_currency_code,
    overdue_invoice_count,
    without_rate_count,
    cast(overdue_amount as {{ type_money() }}) as overdue_amount,
    unpaid_rate,
    cast(cast(overdue_amount as {{ type_double() }}) * unpaid_rate as {{ type_money() }}) as unpaid_amount
from final
