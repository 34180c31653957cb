-- Grain: one row per customer known at the as-of date; columns of a model are null until its predictions are published.
with customers as (
    select * from {{ ref('ftr_customers') }} where as_of_date = {{ as_of_date() }}
),

churn as (
    select * from {{ ref('customer_churn_scores') }}
),

worth as (
    select * from {{ ref('customer_value_scores') }}
),

growth as (
    select * from {{ ref('customer_expansion_scores') }}
)

select
    customers.customer_id,
    customers.as_of_date,
    customers.account_id,
    customers.owner_id,
    customers.team_path,
    customers.segment_id,
    customers.behaviour_type,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(customers.plan_value as {{ type_money() }}) as plan_value_amount,
    cast(customers.net_revenue as {{ type_money() }}) as net_revenue_amount,
    case
        when coalesce(churn.churn_probability, worth.value_amount, growth.expansion_probability) is null then 'none'
        when (worth.value_amount is not null or coalesce(customers.order_count, 0) = 0)
            and (growth.expansion_probability is not null or coalesce(customers.plan_value, 0) = 0)
            and churn.churn_probability is not null then 'complete'
        else 'partial'
    end as prediction_state,
    {%- for column in [
        'probability', 'tier', 'medium_from', 'high_from', 'tier_source', 'rung', 'model_version', 'confidence',
        'rule_reasons', 'reason_1', 'reason_1_contribution', 'reason_2', 'reason_2_contribution', 'reason_3',
        'reason_3_contribution',
    ] %}
    churn.churn_{{ column }},
    {%- endfor %}
    {%- for reason in churn_rules() %}
    churn.is_{{ reason }},
    {%- endfor %}
    churn.is_general_risk_factors,
    {%- for column in [
        'amount', 'p10_amount', 'p90_amount', 'horizon_days', 'rung', 'model_version', 'confidence', 'driver_1',
        'driver_1_contribution', 'driver_2', 'driver_2_contribution', 'driver_3', 'driver_3_contribution', 'sentence',
    ] %}
    worth.value_{{ column }},
    {%- endfor %}
    worth.alive_probability,
    worth.alive_model_version,
    growth.expansion_probability,
    growth.expansion_amount,
    growth.expected_expansion_amount,
    growth.expansion_horizon_days,
    growth.expansion_rung,
    growth.expansion_model_version,
    {%- for driver in expansion_rules() %}
    growth.has_{{ driver }}_driver,
    {%- endfor %}
    growth.expansion_drivers,
    {%- for rank in [1, 2, 3] %}
    growth.expansion_reason_{{ rank }},
    growth.expansion_reason_{{ rank }}_contribution{{ ',' if not loop.last }}
    {%- endfor %}
from customers
inner join churn on customers.customer_id = churn.customer_id
inner join worth on customers.customer_id = worth.customer_id
inner join growth on customers.customer_id = growth.customer_id
