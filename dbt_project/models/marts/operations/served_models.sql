-- Grain: one row per scoring target that was published. A view, so that a rollback shows at once.
{{ config(materialized='view') }}

with runs as (
    select * from {{ source('scoring', 'published_runs') }}
),

models as (
    select * from {{ source('scoring', 'models') }}
),

champions as (
    select target, model_version as champion_version
    from models
    where status = 'champion'
),

functions as (
    select target, engine as function_engine, model_version as function_version
    from {{ source('scoring', 'installed_functions') }}
),

certificates as (
    select
        certificates.model_version,
        max(case when certificates.status = 'equal' then 1 else 0 end) = 1
        and max(case when certificates.status = 'different' then 1 else 0 end) = 0 as is_certified
    from {{ source('scoring', 'model_certificates') }} as certificates
    inner join models on certificates.model_version = models.model_version
    where certificates.artefact_sha256 = models.artefact_sha256
    group by certificates.model_version
),

-- The rung stands on every prediction; a run has one.
rungs as (
    {%- for relation in [
        'deal_win_predictions', 'deal_value_predictions', 'deal_close_predictions', 'customer_churn_predictions',
        'customer_value_predictions', 'customer_expansion_predictions', 'install_revenue_predictions',
        'invoice_late_predictions',
    ] %}
    select
        predictions.run_id,
        min(predictions.rung) as rung
    from {{ source('scoring', relation) }} as predictions
    inner join runs on predictions.run_id = runs.run_id
    group by predictions.run_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    runs.target,
    runs.as_of_date,
    runs.model_version,
    champions.champion_version,
    models.algorithm,
    rungs.rung,
    models.beats_baseline,
    models.is_temporal_evidence,
    coalesce(certificates.is_certified, false) as is_certified,
    functions.function_engine,
    functions.function_version,
    models.trained_through_date as trained_through_on,
    runs.row_count,
    runs.finished_at as published_at
from runs
left join models on runs.model_version = models.model_version
left join champions on runs.target = champions.target
left join certificates on runs.model_version = certificates.model_version
left join functions on runs.target = functions.target
left join rungs on runs.run_id = rungs.run_id
