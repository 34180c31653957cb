-- Grain: one row per period (month or fiscal quarter) and segment; segment (all) is the company.
with quantiles as (
    select * from {{ ref('revenue_forecast_quantiles') }}
),

forecasts as (
    select
        as_of_date,
        period_type,
        period_start_on,
        segment_id,
        max(mean_amount) as mean_amount,
        {%- for name, probability in [('p025', 0.025), ('p10', 0.1), ('p50', 0.5), ('p90', 0.9), ('p975', 0.975)] %}
        max(amount) filter (where probability = {{ probability }}) as {{ name }}_amount {{- ',' if not loop.last }}
        {%- endfor %}
    from quantiles
    group by as_of_date, period_type, period_start_on, segment_id
),

targets as (
    select * from {{ ref('revenue_targets') }}
),

-- Probabilities on both sides of a target.
placed as (
    select
        quantiles.period_type,
        quantiles.period_start_on,
        quantiles.segment_id,
        max(quantiles.probability) filter (where quantiles.amount < targets.target_amount) as below_probability,
        min(quantiles.probability) filter (where quantiles.amount > targets.target_amount) as above_probability,
        min(quantiles.probability) filter (where quantiles.amount = targets.target_amount) as first_probability,
        max(quantiles.amount) filter (where quantiles.amount < targets.target_amount) as below_amount,
        min(quantiles.amount) filter (where quantiles.amount > targets.target_amount) as above_amount
    from quantiles
    inner join targets
        on quantiles.period_type = targets.period_type
        and quantiles.period_start_on = targets.period_start_on
        and quantiles.segment_id = targets.segment_id
    group by quantiles.period_type, quantiles.period_start_on, quantiles.segment_id
)

select
    forecasts.as_of_date,
    forecasts.period_type,
    forecasts.period_start_on,
    forecasts.segment_id,
    {{ reporting_currency() }} as reporting_currency_code,
    forecasts.mean_amount,
    forecasts.p025_amount,
    forecasts.p10_amount,
    forecasts.p50_amount,
    forecasts.p90_amount,
    forecasts.p975_amount,
    targets.target_amount,
    cast(forecasts.mean_amount - targets.target_amount as {{ type_money() }}) as mean_above_target_amount,
    cast(case
        when targets.target_amount is null then null
        -- A target that an amount reaches exactly is met.
        when placed.first_probability is not null and placed.below_probability is null then 1
        when placed.first_probability is not null then 1 - placed.first_probability
        when placed.below_probability is null then 1
        when placed.above_probability is null then 0
        else 1 - placed.below_probability - (placed.above_probability - placed.below_probability)
            * {{ ratio('targets.target_amount - placed.below_amount', 'placed.above_amount - placed.below_amount') }}
    end as {{ type_double() }}) as target_probability
from forecasts
left join targets
    on forecasts.period_type = targets.period_type
    and forecasts.period_start_on = targets.period_start_on
    and forecasts.segment_id = targets.segment_id
left join placed
    on forecasts.period_type = placed.period_type
    and forecasts.period_start_on = placed.period_start_on
    and forecasts.segment_id = placed.segment_id
