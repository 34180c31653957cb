-- Grain: one row per customer known at the as-of date. A view over the features and what is published.
{{ config(materialized='view') }}
{%- set rules = {} %}
{%- do rules.update(churn_rules()) %}
{%- set flags = {} %}
{%- for reason in rules %}{% do flags.update({reason: 'is_' ~ reason}) %}{% endfor %}
{%- set kinds = {'contractual': 'true', 'noncontractual': 'false'} %}
with customers as (
    select * from {{ ref('ftr_customers') }} where as_of_date = {{ as_of_date() }}
),

predictions as (
    {{ served_predictions('customer_churn') }}
),

parameters as (
    {{ model_parameters('customer_churn', 'tiers', [
        'medium_from', 'high_from', 'contractual_medium_from', 'contractual_high_from', 'noncontractual_medium_from',
        'noncontractual_high_from',
    ]) }}
),

-- A model without kinds has one pair of thresholds for both.
tiers as (
    {%- for kind, is_contractual in kinds.items() %}
    select
        model_version,
        {{ is_contractual }} as is_contractual,
        coalesce({{ kind }}_medium_from, medium_from) as medium_from,
        coalesce({{ kind }}_high_from, high_from) as high_from
    from parameters
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

judged as (
    select
        customers.*,
        predictions.churn_probability,
        predictions.rung,
        predictions.model_version,
        {%- for rank in [1, 2, 3] %}
        predictions.reason_{{ rank }},
        predictions.reason_{{ rank }}_contribution,
        {%- endfor %}
        case
            when predictions.model_version is null then null
            when tiers.medium_from < tiers.high_from then 'model'
            else 'variables'
        end as tier_source,
        {%- for reason, condition in rules.items() %}
        {{ condition }} as is_{{ reason }},
        {%- endfor %}
        case when tiers.medium_from < tiers.high_from then tiers.medium_from
            else {{ var('churn_medium_from') | float }} end as medium_from,
        case when tiers.medium_from < tiers.high_from then tiers.high_from
            else {{ var('churn_high_from') | float }} end as high_from
    from customers
    -- Who neither pays for a plan nor ever bought has nothing to leave.
    left join predictions
        on customers.customer_id = predictions.customer_id
        and (customers.plan_value > 0 or customers.order_count > 0)
    left join tiers
        on predictions.model_version = tiers.model_version
        and (coalesce(customers.plan_value, 0) > 0) = tiers.is_contractual
),

tiered as (
    select
        *,
        case
            when churn_probability >= high_from then 'high'
            when churn_probability >= medium_from then 'medium'
            when churn_probability is not null then 'low'
        end as churn_tier,
        {{ listed_flags(flags) }} as named_reasons
    from judged
)

select
    customer_id,
    as_of_date,
    churn_probability,
    churn_tier,
    case when churn_probability is not null then cast(medium_from as {{ type_double() }}) end as churn_medium_from,
    case when churn_probability is not null then cast(high_from as {{ type_double() }}) end as churn_high_from,
    tier_source as churn_tier_source,
    rung as churn_rung,
    model_version as churn_model_version,
    cast({{ rung_confidence('rung') }} * {{ known_share({
        '4': 'order_count is not null or subscription_count is not null',
        '3': 'activity_30d is not null',
        '2': 'failed_renewals_30d is not null',
        '1': 'tickets_30d is not null',
    }) }} as {{ type_double() }}) as churn_confidence,
    {%- for reason in rules %}
    is_{{ reason }},
    {%- endfor %}
    churn_tier in ('medium', 'high') and named_reasons is null as is_general_risk_factors,
    coalesce(
        named_reasons, case when churn_tier in ('medium', 'high') then 'general_risk_factors' end
    ) as churn_rule_reasons,
    {%- for rank in [1, 2, 3] %}
    reason_{{ rank }} as churn_reason_{{ rank }},
    reason_{{ rank }}_contribution as churn_reason_{{ rank }}_contribution{{ ',' if not loop.last }}
    {%- endfor %}
from tiered
