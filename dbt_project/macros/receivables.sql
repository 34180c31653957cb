{#-
  The day past due by which an open invoice is paid with a probability, by the law of its prediction.

  share: the probability that it is still unpaid then
  past_due: days from its due date to the as-of date; location, scale: of the law, in days past due

  An invoice unpaid at day a is unpaid after day t with probability S(t) / S(a), S(t) = 1 / (1 + exp(z)) and
  z = (t + 1/2 - location) / scale. With L = -ln(share x S(a)) the day is location + scale x ln(exp(L) - 1) - 1/2; of a
  large L the logarithm is L itself.
-#}
{% macro payment_day(share, past_due, location, scale) -%}
{%- set here = '((' ~ past_due ~ ' + 0.5 - ' ~ location ~ ') / ' ~ scale ~ ')' -%}
{%- set waited = '(greatest(' ~ here ~ ', 0) + ln(1 + exp(-abs(' ~ here ~ '))) - ln(' ~ share ~ '))' -%}
cast(ceil(greatest(
    {{ location }} - 0.5 + {{ scale }} * case
        when {{ waited }} > 30 then {{ waited }} else ln(exp(least({{ waited }}, 30)) - 1)
    end,
    {{ past_due }} + 1
)) as integer)
{%- endmacro %}

{#- The published cash forecast of the as-of date by week or month; the last row takes what rounding leaves. -#}
{% macro cash_forecast(period) -%}
with forecasts as (
    select
        forecasts.period_start_on,
        forecasts.period_end_on,
        {%- for name in ['due', 'mean'] %}
        forecasts.{{ name }}_amount as unrounded_{{ name }}_amount,
        cast(forecasts.{{ name }}_amount as {{ type_money() }}) as {{ name }}_amount,
        {%- endfor %}
        cast(forecasts.p10_amount as {{ type_money() }}) as p10_amount,
        cast(forecasts.p50_amount as {{ type_money() }}) as p50_amount,
        cast(forecasts.p90_amount as {{ type_money() }}) as p90_amount,
        forecasts.rung,
        forecasts.model_version
    from {{ source('scoring', 'cash_forecasts') }} as forecasts
    inner join {{ source('scoring', 'published_runs') }} as runs on forecasts.run_id = runs.run_id
    where forecasts.as_of_date = {{ as_of_date() }} and forecasts.period = '{{ period }}'
),

without_rate as (
    select count(*) as invoice_count
    from {{ ref('ftr_invoices') }}
    where as_of_date = {{ as_of_date() }} and reporting_balance_amount is null
),

rests as (
    select
        {%- for name in ['due', 'mean'] %}
        cast(sum(unrounded_{{ name }}_amount) as {{ type_money() }}) - sum({{ name }}_amount) as {{ name }}_amount
        {{- ',' if not loop.last }}
        {%- endfor %}
    from forecasts
)

select
    {{ as_of_date() }} as as_of_date,
    forecasts.period_start_on as {{ period }}_start_on,
    forecasts.period_end_on as {{ period }}_end_on,
    {{ reporting_currency() }} as reporting_currency_code,
    {%- for name in ['due', 'mean'] %}
    cast(
        forecasts.{{ name }}_amount
        + case when forecasts.period_end_on is null then rests.{{ name }}_amount else 0 end
        as {{ type_money() }}
    ) as {{ name }}_amount,
    {%- endfor %}
    forecasts.p10_amount,
    forecasts.p50_amount,
    forecasts.p90_amount,
    without_rate.invoice_count as invoice_without_rate_count,
    forecasts.rung,
    forecasts.model_version
from forecasts
cross join without_rate
cross join rests
{%- endmacro %}
