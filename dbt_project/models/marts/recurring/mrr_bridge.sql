-- Grain: one row per month and currency, from the first month with recurring revenue to that of the as-of date.
-- Every month of every currency ever seen; opening + movements = closing.
{%- set movements = ['new', 'expansion', 'reactivation', 'contraction', 'churn'] %}
with months as (
    select month_start_on, month_end_on
    from {{ ref('int_mrr_months') }}
    where month_start_on >= (select min(month_start_on) from {{ ref('fct_mrr_monthly') }})
),

balances as (
    select
        currency_code,
        month_start_on,
        sum(mrr_amount) as mrr_amount,
        sum(arr_amount) as arr_amount,
        sum(committed_mrr_amount) as committed_mrr_amount,
        count(*) filter (where mrr_amount > 0) as customer_count
    from {{ ref('fct_mrr_monthly') }}
    group by currency_code, month_start_on
),

moved as (
    select
        currency_code,
        month_start_on,
        {%- for movement in movements %}
        sum(movement_amount) filter (where movement = '{{ movement }}') as {{ movement }}_amount,
        count(distinct customer_id) filter (where movement = '{{ movement }}') as {{ movement }}_customer_count
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_mrr_movements') }}
    group by currency_code, month_start_on
),

currencies as (
    select distinct currency_code from balances
),

filled as (
    select
        months.month_start_on,
        months.month_end_on,
        {{ is_open_month('months') }} as is_open,
        currencies.currency_code,
        coalesce(balances.mrr_amount, 0) as closing_amount,
        coalesce(balances.arr_amount, 0) as arr_amount,
        coalesce(balances.committed_mrr_amount, 0) as committed_mrr_amount,
        coalesce(balances.customer_count, 0) as closing_customer_count,
        {%- for movement in movements %}
        coalesce(moved.{{ movement }}_amount, 0) as {{ movement }}_amount,
        {%- endfor %}
        coalesce(moved.new_customer_count, 0) as new_customer_count,
        coalesce(moved.reactivation_customer_count, 0) as reactivated_customer_count,
        coalesce(moved.churn_customer_count, 0) as churned_customer_count
    from currencies
    cross join months
    left join balances
        on currencies.currency_code = balances.currency_code and months.month_start_on = balances.month_start_on
    left join moved
        on currencies.currency_code = moved.currency_code and months.month_start_on = moved.month_start_on
),

opened as (
    select
        *,
        coalesce(lag(closing_amount) over passed, 0) as opening_amount,
        coalesce(lag(closing_customer_count) over passed, 0) as opening_customer_count
    from filled
    window passed as (partition by currency_code order by month_start_on)
)

select
    month_start_on,
    month_end_on,
    is_open,
    currency_code,
    {%- for name in ['opening'] + movements + ['closing', 'arr', 'committed_mrr'] %}
    cast({{ name }}_amount as {{ type_money() }}) as {{ name }}_amount,
    {%- endfor %}
    opening_customer_count,
    new_customer_count,
    reactivated_customer_count,
    churned_customer_count,
    -- Who takes up or gives up the currency and pays in another one is no new or lost customer.
    closing_customer_count - opening_customer_count - new_customer_count - reactivated_customer_count
    + churned_customer_count as switched_customer_count,
    closing_customer_count
from opened
