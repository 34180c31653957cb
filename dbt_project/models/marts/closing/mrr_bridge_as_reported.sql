-- Grain: one row per month and currency, from the first month with recurring revenue to that of the as-of date.
-- Closed months as closed, open ones as known; the opening amount is what the month before closed with.
{%- set movements = ['new', 'expansion', 'reactivation', 'contraction', 'churn', 'adjustment'] %}
with moved as (
    select
        currency_code,
        month_start_on,
        sum(movement_amount) as moved_amount,
        {%- for movement in movements %}
        sum(movement_amount) filter (where movement = '{{ movement }}') as {{ movement }}_amount
            {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_mrr_movements_as_reported') }}
    group by currency_code, month_start_on
),

balances as (
    select currency_code, month_start_on, sum(mrr_amount) as closing_amount
    from {{ ref('fct_mrr_monthly_as_reported') }}
    group by currency_code, month_start_on
),

currencies as (
    select distinct currency_code from balances
    union
    select distinct currency_code from moved
),

months as (
    select month_start_on, month_end_on, is_closed
    from {{ ref('accounting_months') }}
    where month_start_on >= (select min(balances.month_start_on) from balances)
)

select
    months.month_start_on,
    months.month_end_on,
    months.is_closed,
    currencies.currency_code,
    cast(coalesce(balances.closing_amount, 0) - coalesce(moved.moved_amount, 0) as {{ type_money() }})
        as opening_amount,
    {%- for movement in movements %}
    cast(coalesce(moved.{{ movement }}_amount, 0) as {{ type_money() }}) as {{ movement }}_amount,
    {%- endfor %}
    cast(coalesce(balances.closing_amount, 0) as {{ type_money() }}) as closing_amount
from currencies
cross join months
left join moved on currencies.currency_code = moved.currency_code and months.month_start_on = moved.month_start_on
left join balances
    on currencies.currency_code = balances.currency_code and months.month_start_on = balances.month_start_on
