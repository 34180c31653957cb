-- Cash by week, and by month, adds up to what is owed in the reporting currency. Where it does not, features were
-- built again after the forecast: revlayer score.
{{ config(severity='warn') }}
{%- set forecasts = ['cash_forecast_weekly', 'cash_forecast_monthly'] %}
with owed as (
    select coalesce(sum(reporting_balance_amount), 0) as amount from {{ ref('invoice_scores') }}
),

forecasts as (
    {%- for name in forecasts %}
    select '{{ name }}' as forecast, sum(mean_amount) as mean_amount, sum(due_amount) as due_amount
    from {{ ref(name) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select forecasts.*
from forecasts
cross join owed
where forecasts.mean_amount <> owed.amount or forecasts.due_amount <> owed.amount
