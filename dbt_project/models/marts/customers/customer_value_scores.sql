-- Grain: one row per customer known at the as-of date. A view over the features and what is published.
{{ config(materialized='view') }}
{%- set currency = reporting_currency() %}
with customers as (
    select * from {{ ref('ftr_customers') }} where as_of_date = {{ as_of_date() }}
),

predictions as (
    {{ served_predictions('customer_value') }}
),

parameters as (
    {{ model_parameters('customer_value', 'purchasing', ['r', 'alpha', 'a', 'b']) }}
),

-- Those of the model that serves, else of the last one trained by the day: they describe purchases, whatever serves.
purchasing as (
    select
        parameters.*,
        row_number() over (
            order by
                case when runs.run_id is not null then 0 else 1 end,
                models.trained_through_date desc nulls last,
                models.model_version desc
        ) as place
    from parameters
    inner join {{ source('scoring', 'models') }} as models on parameters.model_version = models.model_version
    left join {{ source('scoring', 'published_runs') }} as runs
        on parameters.model_version = runs.model_version and runs.as_of_date = {{ as_of_date() }}
    where runs.run_id is not null or models.trained_through_date <= {{ as_of_date() }}
),

labels as (
    {{ model_parameters('customer_value', 'labels', ['horizon_days']) }}
),

forecast as (
    select
        customers.customer_id,
        customers.as_of_date,
        customers.order_count,
        customers.order_day_count,
        customers.plan_value,
        predictions.value_amount,
        predictions.value_p10_amount,
        predictions.value_p90_amount,
        predictions.rung,
        predictions.model_version,
        cast(labels.horizon_days as integer) as horizon_days,
        cast({{ alive_probability('purchasing') }} as {{ type_double() }}) as alive_probability,
        purchasing.model_version as alive_model_version,
        {%- for rank in [1, 2, 3] %}
        predictions.reason_{{ rank }} as driver_{{ rank }},
        predictions.reason_{{ rank }}_contribution as contribution_{{ rank }},
        coalesce(words_{{ rank }}.words, predictions.reason_{{ rank }}) as words_{{ rank }}{{ ',' if not loop.last }}
        {%- endfor %}
    from customers
    -- Purchases are forecast from purchases: of who never bought nothing is said, which is not the same as 0.
    left join predictions on customers.customer_id = predictions.customer_id and customers.order_count > 0
    left join purchasing on purchasing.place = 1
    left join labels on predictions.model_version = labels.model_version
    {%- for rank in [1, 2, 3] %}
    left join {{ ref('customer_driver_words') }} as words_{{ rank }}
        on predictions.reason_{{ rank }} = words_{{ rank }}.driver
    {%- endfor %}
),

worded as (
    select
        *,
        case
            when alive_probability is null or order_count is null then ''
            -- Of who came once the law of purchases knows nothing but that: its probability is 1.
            when order_day_count = 1 then '; it has come once so far'
            when alive_probability >= 0.8 then '; it very likely still buys'
            when alive_probability >= 0.5 then '; it probably still buys'
            when alive_probability >= 0.2 then '; it has probably left'
            else '; it has very likely left'
        end as alive_words,
        coalesce(', raised by ' || {{ driver_words('>') }}, '')
        || coalesce(', lowered by ' || {{ driver_words('<') }}, '') as because
    from forecast
)

select
    customer_id,
    as_of_date,
    cast(value_amount as {{ type_money() }}) as value_amount,
    cast(value_p10_amount as {{ type_money() }}) as value_p10_amount,
    cast(value_p90_amount as {{ type_money() }}) as value_p90_amount,
    horizon_days as value_horizon_days,
    rung as value_rung,
    model_version as value_model_version,
    -- A narrow interval that the mean lies above, since nearly all such customers spend nothing, is no certainty.
    cast(case when value_amount > 0 and value_amount <= value_p90_amount
        then value_amount / (value_amount + (value_p90_amount - value_p10_amount) / 2) end
        as {{ type_double() }}) as value_confidence,
    alive_probability,
    case when alive_probability is not null then alive_model_version end as alive_model_version,
    {%- for rank in [1, 2, 3] %}
    driver_{{ rank }} as value_driver_{{ rank }},
    contribution_{{ rank }} as value_driver_{{ rank }}_contribution,
    {%- endfor %}
    case
        when coalesce(order_count, 0) = 0 and plan_value > 0 then
            'Pays ' || {{ currency }} || ' ' || {{ grouped_number('plan_value') }}
            || ' a month by contract; without purchases there is no forecast of any.'
        when coalesce(order_count, 0) = 0 then 'It has no purchases that a forecast could be made from.'
        when value_amount is null then 'No forecast of its revenue is published for this day.'
        else
            'Expected to bring ' || {{ currency }} || ' ' || {{ grouped_number('value_amount') }}
            || coalesce(' in the next ' || cast(horizon_days as {{ dbt.type_string() }}) || ' days', '')
            || ' (four times in five ' || {{ grouped_number('value_p10_amount') }} || ' to '
            || {{ grouped_number('value_p90_amount') }} || ')'
            || case when because = '' and rung <> 'model' then ', from its purchases so far' else because end
            || alive_words || '.'
    end as value_sentence
from worded
