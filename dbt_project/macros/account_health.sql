{#-
  Components of account health as a mapping of name to expression, 0 to 100 each, null where it is not known; over the
  features of a customer and churn_probability.
-#}
{% macro account_health_components() -%}
{%- set usage = 'coalesce(usage_score, features_used_30d / ' ~ (var('account_health_full_features') | float) ~ ')' -%}
{%- set activity = 'active_days_30d / ' ~ (var('account_health_full_active_days') | float) -%}
{%- set quiet = '1 - days_since_last_order / ' ~ (var('account_health_quiet_days') | float) -%}
{%- set payments = '100 - failed_renewals_30d * ' ~ (var('account_health_failed_payment_points') | float)
    ~ ' - coalesce(overdue_invoice_count, 0) * ' ~ (var('account_health_overdue_invoice_points') | float) -%}
{%- set tickets = '100 - tickets_30d * ' ~ (var('account_health_ticket_points') | float)
    ~ ' - coalesce(open_ticket_count, 0) * ' ~ (var('account_health_open_ticket_points') | float) -%}
{%- set renewal = 'days_to_renewal / ' ~ (var('account_health_renewal_days') | float) -%}
{{ return({
    'usage': 'case when ' ~ uses_features() ~ ' then 100 * ' ~ between_bounds(usage, 0, 1) ~ ' end',
    'engagement': '100 * greatest(' ~ between_bounds(activity, 0, 1) ~ ', ' ~ between_bounds(quiet, 0, 1)
        ~ ', case when order_count = 0 then 0 end)',
    'payments': between_bounds(payments, 0, 100),
    'tickets': between_bounds(tickets, 0, 100),
    'renewal': 'case when plan_value > 0 and has_cancellation_pending = 1 then 0'
        ~ ' when plan_value > 0 then 100 * ' ~ between_bounds(renewal, 0, 1) ~ ' end',
    'churn_risk': '100 * (1 - churn_probability)',
}) }}
{%- endmacro %}

{#- A number moved into its bounds; an unknown stays unknown. -#}
{% macro between_bounds(value, low, high) -%}
{{ return('(case when ' ~ value ~ ' is not null then least(greatest(' ~ value ~ ', ' ~ low ~ '), ' ~ high ~ ') end)') }}
{%- endmacro %}

{#- Weight of a component of account health. -#}
{% macro account_health_weight(component) -%}
{%- set weights = var('account_health_weights') -%}
{%- set weight = (weights[component] if weights is mapping else 1) | float -%}
{%- if weight < 0 -%}
    {{ exceptions.raise_compiler_error("account_health_weights: the weight of " ~ component ~ " is below 0") }}
{%- endif -%}
{{ return(weight) }}
{%- endmacro %}

{#- Sum of weight x expression over the components that a condition holds for; {} stands for the component. -#}
{% macro account_health_sum(components, condition, expression='1') -%}
(
    {%- for name in components %}
    case when {{ condition | replace('{}', name) }}
        then {{ account_health_weight(name) }} * ({{ expression | replace('{}', name) }}) else 0 end
    {{- ' +' if not loop.last }}
    {%- endfor %}
)
{%- endmacro %}
