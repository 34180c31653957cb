-- Grain: one row per predictor, outcome, months ahead and bin of probability, over past month ends.
with backtests as (
    select backtests.*
    from {{ source('scoring', 'deal_timing_backtests') }} as backtests
    inner join {{ source('scoring', 'published_runs') }} as runs on backtests.run_id = runs.run_id
),

summed as (
    select
        predictor,
        outcome,
        months_ahead,
        probability_bin,
        sum(deal_count) as deal_count,
        sum(predicted_sum) as predicted_sum,
        sum(happened_count) as happened_count,
        sum(squared_error_sum) as squared_error_sum
    from backtests
    group by predictor, outcome, months_ahead, probability_bin
)

select
    predictor,
    outcome,
    months_ahead,
    probability_bin,
    cast(deal_count as bigint) as deal_count,
    {{ ratio('predicted_sum', 'deal_count') }} as predicted_probability,
    {{ ratio('happened_count', 'deal_count') }} as observed_rate,
    {{ ratio('squared_error_sum', 'deal_count') }} as brier_score
from summed
