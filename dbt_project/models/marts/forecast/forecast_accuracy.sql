-- Grain: one row per period type, segment, predictor and months ahead, over the past as-of dates of forecast_backtest.
select
    period_type,
    segment_id,
    predictor,
    months_ahead,
    count(*) as forecast_count,
    {{ ratio('sum(abs(error_amount))', 'sum(actual_amount)') }} as wape_rate,
    avg({{ ratio('abs(error_amount)', 'naive_error_amount') }}) as mase_ratio,
    {{ ratio('sum(error_amount)', 'sum(actual_amount)') }} as bias_rate,
    {{ ratio('sum(pinball_amount)', 'sum(actual_amount)') }} as pinball_rate,
    {{ ratio('count(*) filter (where is_inside_interval)', 'count(is_inside_interval)') }} as interval_coverage_rate,
    {{ ratio('count(*) filter (where is_inside_wide_interval)', 'count(is_inside_wide_interval)') }}
        as wide_interval_coverage_rate
from {{ ref('forecast_backtest') }}
group by period_type, segment_id, predictor, months_ahead
