-- Grain: one row per month, from the first with recurring revenue to that of the as-of date; in the reporting currency.
-- Closed months as closed, open ones as known; the opening amount is what the month before closed with.
{%- set movements = ['new', 'expansion', 'reactivation', 'contraction', 'churn', 'fx', 'adjustment'] %}
with moved as (
    select
        month_start_on,
        sum(movement_reporting_amount) as moved_amount,
        {%- for movement in movements %}
        sum(movement_reporting_amount) filter (where movement = '{{ movement }}') as {{ movement }}_amount
            {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_mrr_movements_reporting_as_reported') }}
    group by month_start_on
),

balances as (
    select
        month_start_on,
        sum(coalesce(mrr_reporting_amount, 0)) as closing_amount,
        count(distinct currency_code) filter (where mrr_reporting_amount is null) as unconverted_currency_count
    from {{ ref('fct_mrr_monthly_as_reported') }}
    group by month_start_on
)

select
    months.month_start_on,
    months.month_end_on,
    months.reporting_currency_code,
    months.is_closed,
    cast(coalesce(balances.closing_amount, 0) - coalesce(moved.moved_amount, 0) as {{ type_money() }})
        as opening_reporting_amount,
    {%- for movement in movements %}
    cast(coalesce(moved.{{ movement }}_amount, 0) as {{ type_money() }}) as {{ movement }}_reporting_amount,
    {%- endfor %}
    cast(coalesce(balances.closing_amount, 0) as {{ type_money() }}) as closing_reporting_amount,
    cast(coalesce(balances.unconverted_currency_count, 0) as bigint) as unconverted_currency_count
from {{ ref('accounting_months') }} as months
left join moved on months.month_start_on = moved.month_start_on
left join balances on months.month_start_on = balances.month_start_on
where months.month_start_on >= (select min(begun.month_start_on) from balances as begun)
