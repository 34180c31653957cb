-- Grain: one row per install that had reached its age by the as-of date; model columns are null until its predictions
-- are published.
with runs as (
    select * from {{ source('scoring', 'published_runs') }} where as_of_date = {{ as_of_date() }}
),

predictions as (
    select predictions.*
    from {{ source('scoring', 'install_revenue_predictions') }} as predictions
    inner join runs on predictions.run_id = runs.run_id
)

select
    installs.install_id,
    installs.as_of_date,
    installs.installed_on,
    installs.reached_on,
    installs.source_name,
    installs.country_code,
    installs.platform,
    installs.device_family,
    installs.install_source,
    installs.campaign_name,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(installs.early_revenue as {{ type_money() }}) as early_revenue_amount,
    predictions.payer_probability,
    cast(predictions.revenue_amount as {{ type_money() }}) as predicted_revenue_amount,
    {%- for quantile in ['p50', 'p90', 'p99'] %}
    cast(predictions.revenue_{{ quantile }}_amount as {{ type_money() }}) as predicted_revenue_{{ quantile }}_amount,
    {%- endfor %}
    cast(labels.revenue as {{ type_money() }}) as revenue_amount,
    labels.window_revenue as window_revenue_amount,
    labels.install_id is not null as is_window_over,
    predictions.rung,
    predictions.model_version,
    predictions.base_score,
    predictions.raw_score,
    {%- for rank in [1, 2, 3] %}
    predictions.reason_{{ rank }},
    predictions.reason_{{ rank }}_contribution{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('ftr_installs') }} as installs
left join {{ ref('lbl_installs') }} as labels on installs.install_id = labels.install_id
left join predictions on installs.install_id = predictions.install_id
