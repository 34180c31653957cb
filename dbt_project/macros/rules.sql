{#-
  What the rules of metrics.close_probability, metrics.deal_value and metrics.deal_health share when they are applied
  to whole tables. The formulas are in rules_<function>.sql and explained in sql/functions/metrics; a test compares
  both for every deal.
-#}

{#- The named rules of a rule table as columns <group>_<name> of one row. -#}
{% macro rule_columns(names) -%}
{%- for group, name in names %}
max(case when rule_group = '{{ group }}' and rule_name = '{{ name }}' then rule_value end) as {{ group }}_{{ name }}
{{- ',' if not loop.last }}
{%- endfor %}
{%- endmacro %}

{#- As metrics.rule_key: the form in which rule tables hold names. -#}
{% macro rule_key(name) -%}trim(lower(translate({{ name }}, '_-', '  '))){%- endmacro %}

{#- As metrics.bounded: an unknown stays unknown, where least() and greatest() would skip it. -#}
{% macro bounded(value, low, high) -%}
case
    when {{ value }} = cast('NaN' as {{ type_double() }}) then null
    when abs({{ value }}) < 1e-9 then least(greatest(cast(0 as {{ type_double() }}), {{ low }}), {{ high }})
    when {{ value }} is not null then least(greatest({{ value }}, {{ low }}), {{ high }})
end
{%- endmacro %}

{#- Sum of the weights of what is known over the sum of all weights; checks: weight column by condition. -#}
{% macro known_share(checks) -%}
(
    {%- for weight, condition in checks.items() %}
    case when {{ condition }} then {{ weight }} else 0 end {{- ' +' if not loop.last }}
    {%- endfor %}
) / (
    {{- checks.keys() | join(' + ') -}}
)
{%- endmacro %}

{#- A figure about activities of a deal; unknown, not 0, where the source has no activities at all. -#}
{% macro known_activity(column) -%}
case when max(activity_count) over (partition by source_name) > 0 then {{ column }} end
{%- endmacro %}

{#- 'stagnant for 75 days', 'pushed 1 time': whole units, rounded down. -#}
{% macro counted_words(before, number, unit) -%}
'{{ before }} ' || cast(cast(floor({{ number }}) as integer) as {{ dbt.type_string() }})
|| ' {{ unit }}' || case when floor({{ number }}) = 1 then '' else 's' end
{%- endmacro %}
