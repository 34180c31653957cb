{#- Words of sources for what a subscription is, in lower case. All others count as running. -#}
{% macro subscription_statuses(kind) -%}
{%- set words = {
    'ended': ['cancelled', 'canceled', 'ended', 'expired', 'churned'],
    'trial': ['trialing', 'trialling', 'trial', 'in_trial'],
    'paused': ['paused', 'on_hold'],
    'void': ['incomplete', 'incomplete_expired', 'draft'],
} -%}
('{{ words[kind] | join("', '") }}')
{%- endmacro %}

{#- Least and greatest number of the terms of an item or a price that prices are multiplied with or divided by. -#}
{% macro term_bounds(fields) -%}
{%- set bounds = {
    'billing_period_count': (0.01, 10000),
    'quantity': (-1000000000000, 1000000000000),
    'discount_rate': (0, 1),
    'discount_amount': (0, 1000000000000),
} -%}
{%- set found = {} -%}
{%- for field in fields -%}{%- do found.update({field: bounds[field]}) -%}{%- endfor -%}
{{ return(found) }}
{%- endmacro %}

{#- A term as a source shows it now; null where it cannot be one. -#}
{% macro readable_term(field) -%}
case when {{ is_within_bounds(field) }} then {{ field }} end
{%- endmacro %}

{% macro is_within_bounds(field) -%}
{%- set bounds = term_bounds([field])[field] -%}
{{ field }} between {{ bounds[0] }} and {{ bounds[1] }}
{%- endmacro %}

{#- Words for how often something is billed and how it is charged. -#}
{% macro term_words() -%}
{{ return({
    'billing_period': ['month', 'year', 'quarter', 'week', 'day', 'one_time'],
    'charge_model': ['per_unit', 'flat', 'tiered', 'volume', 'usage'],
}) }}
{%- endmacro %}

{#- What an item may be worth in a year, so that what follows from it is money. -#}
{% macro yearly_limit() -%}100000000000000{%- endmacro %}

{#- Billing periods in a year: 365 days, 52 weeks, 12 months, 4 quarters; null for what does not recur. -#}
{% macro periods_per_year(billing_period) -%}
case {{ billing_period }}
    when 'day' then 365
    when 'week' then 52
    when 'month' then 12
    when 'quarter' then 4
    when 'year' then 1
end
{%- endmacro %}

{#- What was so before a first change: its old value. A change without a time of its own tells what an export showed,
    not when it began, so without an old value it holds for the time before as well. -#}
{% macro value_before() -%}
coalesce(old_value, case when not is_dated and known_on <= {{ as_of_date() }} then new_value end)
{%- endmacro %}

{#- An end or a start that is told after it took effect counts from its own day: the earliest such day told later. -#}
{% macro told_later(day, key) -%}
min(case when {{ day }} < valid_from_on then {{ day }} end) over (
    partition by {{ key }} order by valid_from_on rows between 1 following and unbounded following
)
{%- endmacro %}

{#- An amount in the reporting currency; null where there is no rate. Decimals, so that every engine rounds alike. -#}
{% macro to_reporting(amount, rate) -%}
cast(({{ amount }}) * cast({{ rate }} as decimal(24, 12)) as {{ type_money() }})
{%- endmacro %}

{#- Movements of recurring revenue by month or by day, in the customers' own currencies. -#}
{% macro mrr_movements(parts, period) -%}
{%- set day = 'month_start_on' if period == 'month' else 'moved_on' -%}
with reasons as (
    select
        customer_id,
        currency_code,
        period_start_on,
        movement as customer_movement,
        reason,
        sum(part_amount) as part_amount,
        sum(sum(part_amount)) over (partition by customer_id, currency_code, period_start_on) as net_amount
    from {{ parts }}
    where period = '{{ period }}' and {{ is_changed('customer_id') }}
    group by customer_id, currency_code, period_start_on, movement, reason
)

select
    customer_id,
    currency_code,
    period_start_on as {{ day }},
    case
        when customer_movement <> 'change' then customer_movement
        when net_amount > 0 then 'expansion'
        else 'contraction'
    end as movement,
    reason,
    cast(part_amount as {{ type_money() }}) as movement_amount
from reasons
where part_amount <> 0 and (net_amount <> 0 or customer_movement <> 'change')
{%- endmacro %}
