-- Grain: one row per published forecast, month and segment; segment (all) is the company.
{%- set figures = [
    'closed', 'open_mean', 'created_mean', 'mean', 'p10', 'p50', 'p90', 'stage_weighted', 'crm_probability', 'naive',
    'seasonal_naive'
] %}
select
    ledger.ledger_id,
    ledger.as_of_date,
    ledger.published_at,
    ledger.published_by,
    ledger.win_model_version,
    ledger.value_model_version,
    ledger.close_month_model_version,
    ledger.reporting_currency_code,
    figures.month_start_on,
    {{ months_apart('ledger.as_of_date', 'figures.month_start_on') }} as months_ahead,
    figures.segment_id,
    {%- for figure in figures %}
    cast(figures.{{ figure }}_amount as {{ type_money() }}) as {{ figure }}_amount {{- ',' if not loop.last }}
    {%- endfor %}
from {{ source('planning', 'forecast_ledger') }} as ledger
inner join {{ source('planning', 'forecast_ledger_figures') }} as figures on ledger.ledger_id = figures.ledger_id
where ledger.as_of_date <= {{ as_of_date() }}
