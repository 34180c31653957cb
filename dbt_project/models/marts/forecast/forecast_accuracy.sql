-- Grain: one row per segment, predictor and months ahead, over the past as-of dates of forecast_backtest.
select
    segment_id,
    predictor,
    months_ahead,
    count(*) as forecast_count,
    {{ ratio('sum(abs(error_amount))', 'sum(actual_amount)') }} as wape_rate,
    {{ ratio('sum(error_amount)', 'sum(actual_amount)') }} as bias_rate,
    {{ ratio('count(*) filter (where is_inside_interval)', 'count(is_inside_interval)') }} as interval_coverage_rate
from {{ ref('forecast_backtest') }}
group by segment_id, predictor, months_ahead
