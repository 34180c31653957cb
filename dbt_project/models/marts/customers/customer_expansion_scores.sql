-- Grain: one row per customer known at the as-of date. A view over the features and what is published.
{{ config(materialized='view') }}
{%- set rules = {} %}
{%- do rules.update(expansion_rules()) %}
{%- set flags = {} %}
{%- for driver in rules %}{% do flags.update({driver: 'has_' ~ driver ~ '_driver'}) %}{% endfor %}
with customers as (
    select * from {{ ref('ftr_customers') }} where as_of_date = {{ as_of_date() }}
),

predictions as (
    {{ served_predictions('customer_expansion') }}
),

labels as (
    {{ model_parameters('customer_expansion', 'labels', ['horizon_days']) }}
),

judged as (
    select
        customers.customer_id,
        customers.as_of_date,
        customers.plan_value,
        {%- for driver, condition in rules.items() %}
        customers.plan_value > 0 and ({{ condition }}) as has_{{ driver }}_driver,
        {%- endfor %}
        predictions.*
    from customers
    -- Without recurring revenue there is none that could grow.
    left join (
        select
            customer_id as predicted_id,
            expansion_probability,
            expansion_amount,
            rung,
            model_version,
            reason_1, reason_1_contribution, reason_2, reason_2_contribution, reason_3, reason_3_contribution
        from predictions
    ) as predictions on customers.customer_id = predictions.predicted_id and customers.plan_value > 0
)

select
    judged.customer_id,
    judged.as_of_date,
    judged.expansion_probability,
    cast(judged.expansion_amount as {{ type_money() }}) as expansion_amount,
    cast(judged.expansion_probability * judged.expansion_amount as {{ type_money() }}) as expected_expansion_amount,
    cast(labels.horizon_days as integer) as expansion_horizon_days,
    judged.rung as expansion_rung,
    judged.model_version as expansion_model_version,
    {%- for driver in rules %}
    judged.has_{{ driver }}_driver,
    {%- endfor %}
    {{ listed_flags(flags) }} as expansion_drivers,
    {%- for rank in [1, 2, 3] %}
    judged.reason_{{ rank }} as expansion_reason_{{ rank }},
    judged.reason_{{ rank }}_contribution as expansion_reason_{{ rank }}_contribution{{ ',' if not loop.last }}
    {%- endfor %}
from judged
left join labels on judged.model_version = labels.model_version
