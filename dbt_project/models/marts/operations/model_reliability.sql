-- Grain: one row per registered model, split, predictor, segment and bin of equal count.
select
    reliability.model_version,
    models.target,
    models.status as model_status,
    reliability.split as split_name,
    reliability.predictor,
    reliability.segment as segment_id,
    reliability.bin as bin_number,
    reliability.row_count,
    reliability.predicted_mean as predicted_probability,
    reliability.observed_rate
from {{ source('scoring', 'model_reliability') }} as reliability
inner join {{ source('scoring', 'models') }} as models on reliability.model_version = models.model_version
