-- Grain: one row per measure, segment, method and months ahead, over past month ends; served is what was chosen there.
with errors as (
    select
        backtests.measure,
        backtests.segment_id,
        backtests.method,
        backtests.months_ahead,
        backtests.origin_on,
        abs(backtests.actual_amount) as size_amount,
        backtests.forecast_amount - backtests.actual_amount as error_amount,
        abs(backtests.forecast_amount - backtests.actual_amount) / backtests.scale_amount as scaled_error,
        -- Null where there was no interval.
        backtests.actual_amount between backtests.p10_amount and backtests.p90_amount as is_inside_interval,
        {%- for level, column in [('0.1', 'p10_amount'), ('0.5', 'forecast_amount'), ('0.9', 'p90_amount')] %}
        greatest(
            {{ level }} * (backtests.actual_amount - backtests.{{ column }}),
            ({{ level }} - 1) * (backtests.actual_amount - backtests.{{ column }})
        ) {{ '+' if not loop.last else 'as pinball_amount' }}
        {%- endfor %}
    from {{ source('scoring', 'series_backtests') }} as backtests
    inner join {{ source('scoring', 'published_runs') }} as runs on backtests.run_id = runs.run_id
    where backtests.as_of_date = {{ as_of_date() }}
)

select
    measure,
    segment_id,
    method,
    months_ahead,
    count(*) as forecast_count,
    min(origin_on) as first_origin_on,
    max(origin_on) as last_origin_on,
    {{ ratio('sum(abs(error_amount))', 'sum(size_amount)') }} as wape_rate,
    avg(scaled_error) as mase_ratio,
    {{ ratio('sum(error_amount)', 'sum(size_amount)') }} as bias_rate,
    {{ ratio('count(*) filter (where is_inside_interval)', 'count(is_inside_interval)') }} as interval_coverage_rate,
    {{ ratio(
        'sum(pinball_amount) / 3',
        'sum(size_amount) filter (where pinball_amount is not null)'
    ) }} as pinball_rate
from errors
group by measure, segment_id, method, months_ahead
