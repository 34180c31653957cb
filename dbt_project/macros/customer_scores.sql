{#- What the marts of customers' scores share: published predictions, parameters of models, rules and their words. -#}

{#- Predictions of the as-of date that are served. -#}
{% macro served_predictions(target) -%}
select predictions.*
from {{ source('scoring', target ~ '_predictions') }} as predictions
inner join {{ source('scoring', 'published_runs') }} as runs on predictions.run_id = runs.run_id
where runs.as_of_date = {{ as_of_date() }}
{%- endmacro %}

{#- Parameters of a group as columns, one row per model version that has any. -#}
{% macro model_parameters(target, group, names) -%}
select
    model_version,
    {%- for name in names %}
    max(case when name = '{{ name }}' then value end) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ source('scoring', 'model_parameters') }}
where target = '{{ target }}' and parameter_group = '{{ group }}'
group by model_version
{%- endmacro %}

{#- Whether the product's features say anything of a customer: one of a shop may never have had them. -#}
{% macro uses_features() -%}{{ return('(plan_value > 0 or features_used_90d > 0)') }}{%- endmacro %}

{#- Rules of churn as a mapping of reason to condition; a condition is null where the source does not tell. -#}
{% macro churn_rules() -%}
{{ return({
    'inactive_14d': 'time_since_last_use_days >= ' ~ (var('churn_inactive_days') | int),
    'payment_issue_recent': 'failed_renewals_30d >= ' ~ (var('churn_failed_payment_count') | int)
        ~ ' or overdue_invoice_count >= ' ~ (var('churn_overdue_invoice_count') | int),
    'no_recent_activity': 'case when plan_value > 0 or time_since_last_use_days is not null then activity_30d <= '
        ~ (var('churn_low_activity_count') | int)
        ~ ' when order_count > 0 then order_count_90d <= ' ~ (var('churn_low_order_count') | int) ~ ' end',
    'low_feature_usage': 'case when ' ~ uses_features() ~ ' then usage_score < ' ~ (var('churn_low_usage_score') | float)
        ~ ' or features_used_30d <= ' ~ (var('churn_low_feature_count') | int) ~ ' end',
}) }}
{%- endmacro %}

{#- Rules of growth as a mapping of driver to condition. -#}
{% macro expansion_rules() -%}
{{ return({
    'seats': 'seat_change_90d >= ' ~ (var('expansion_seat_growth') | float),
    'plan': 'usage_score >= ' ~ (var('expansion_upgrade_usage_score') | float)
        ~ ' or features_used_30d >= ' ~ (var('expansion_upgrade_feature_count') | int),
    'upsell': 'subscription_count <= ' ~ (var('expansion_upsell_plan_count') | int)
        ~ ' and (activity_trend > 0 or revenue_trend > 0)',
}) }}
{%- endmacro %}

{#- Names of the flags that are true, joined by '; '; null where none is. -#}
{% macro listed_flags(flags) -%}
nullif(substring(
    {%- for name, flag in flags.items() %}
    case when {{ flag }} then '; {{ name }}' else '' end {{- ' ||' if not loop.last }}
    {%- endfor %}, 3
), '')
{%- endmacro %}

{#- What a rung's prediction is worth beside a model's, 0 to 1. -#}
{% macro rung_confidence(rung) -%}
{%- set worths = var('rung_confidence') -%}
case {{ rung }}
    {%- for name in ['prior', 'shrinkage', 'model'] %}
    when '{{ name }}' then {{ (worths[name] if worths is mapping else 1) | float }}
    {%- endfor %}
end
{%- endmacro %}

{#-
  P(alive) of BG/NBD as metrics.purchase_alive_probability has it, over order_day_count,
  days_between_first_and_last_order_day and days_since_first_order; parameters: relation with r, alpha, a and b. Weeks.
-#}
{% macro alive_probability(parameters) -%}
case
    -- Without parameters least() would take its bound.
    when {{ parameters }}.r + {{ parameters }}.alpha + {{ parameters }}.a + {{ parameters }}.b is null then null
    when order_day_count = 1 then 1
    when order_day_count > 1 then
        1 / (1 + exp(least(
            ln({{ parameters }}.a) - ln({{ parameters }}.b + order_day_count - 2)
            + ({{ parameters }}.r + order_day_count - 1) * (
                ln({{ parameters }}.alpha + days_since_first_order / 7)
                - ln({{ parameters }}.alpha + days_between_first_and_last_order_day / 7)
            ), 700
        )))
end
{%- endmacro %}

{#- The words of the drivers whose contribution has a sign, 'its revenue, its age'; null where none has. -#}
{% macro driver_words(sign) -%}
nullif(substring(
    {%- for rank in [1, 2, 3] %}
    case when contribution_{{ rank }} {{ sign }} 0 then ', ' || words_{{ rank }} else '' end {{- ' ||' if not loop.last }}
    {%- endfor %}, 3
), '')
{%- endmacro %}
