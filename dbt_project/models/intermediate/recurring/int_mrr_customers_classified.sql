-- Grain: one row per customer, currency and period (a month or a day) in which its terms changed.
-- Whether a customer begins, leaves or returns is told over all its currencies, and before anything is called
-- expansion or contraction: one who pays before and after has only changed.
{{ keep_by_customer('customer_id') }}

with currencies as (
    select
        customer_id,
        period,
        period_start_on,
        currency_code,
        sum(opening_amount) as opening_amount,
        sum(closing_amount) as closing_amount,
        bool_or(is_opening_on_hold) as is_opening_on_hold,
        bool_or(is_closing_on_hold) as is_closing_on_hold
    from {{ ref('int_mrr_lines') }}
    where {{ is_changed('customer_id') }}
    group by customer_id, period, period_start_on, currency_code
),

customers as (
    select
        customer_id,
        period,
        period_start_on,
        bool_or(opening_amount > 0) as was_paying,
        bool_or(closing_amount > 0) as is_paying,
        bool_or(is_opening_on_hold) as was_on_hold,
        bool_or(is_closing_on_hold) as is_on_hold,
        bool_or(opening_amount <> 0 and closing_amount = 0) and bool_or(opening_amount = 0 and closing_amount <> 0)
            as has_switched_currency
    from currencies
    group by customer_id, period, period_start_on
),

named as (
    select
        *,
        case
            when was_paying = is_paying then 'change'
            when was_paying then 'churn'
            when row_number() over (
                partition by customer_id, period, was_paying, is_paying order by period_start_on
            ) = 1 then 'new'
            else 'reactivation'
        end as movement
    from customers
)

select
    currencies.customer_id,
    currencies.period,
    currencies.period_start_on,
    currencies.currency_code,
    named.movement,
    -- Why, where it concerns all the customer has in the currency.
    case
        when named.movement = 'new' then 'start'
        when named.movement = 'reactivation' and named.was_on_hold then 'resumption'
        when named.movement = 'reactivation' then 'return'
        when named.movement = 'churn' and named.is_on_hold then 'pause'
        when named.movement = 'churn' then 'cancellation'
        when named.has_switched_currency and (currencies.opening_amount = 0 or currencies.closing_amount = 0)
            then 'currency'
    end as reason
from currencies
inner join named
    on currencies.customer_id = named.customer_id
    and currencies.period = named.period and currencies.period_start_on = named.period_start_on
