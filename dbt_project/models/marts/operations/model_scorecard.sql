-- Grain: one row per registered model, split, predictor, segment and metric.
-- The baselines are predictors like the model, on the same rows.
select
    metrics.model_version,
    models.target,
    models.algorithm,
    models.status as model_status,
    models.is_temporal_evidence,
    models.beats_baseline,
    jsonb_extract_path_text(models.manifest, 'extra', 'judged_version') as judged_version,
    metrics.split as split_name,
    metrics.predictor,
    metrics.segment as segment_id,
    metrics.metric,
    metrics.value as metric_value,
    metrics.row_count
from {{ source('scoring', 'model_metrics') }} as metrics
inner join {{ source('scoring', 'models') }} as models on metrics.model_version = models.model_version
