{#- Age classes of overdue amounts, (name, first day, last day or none, unpaid rate before history tells), by age. -#}
{% macro collection_classes() -%}
{%- set rates = {} -%}
{%- set stated = var('collect_unpaid_rates') -%}
{#- The linter gives every variable as a word. -#}
{%- for first, rate in ({1: 0} if stated == 'item' else stated).items() -%}
    {%- do rates.update({first | int: rate | float}) -%}
{%- endfor -%}
{%- set days = rates.keys() | sort -%}
{%- if not days or days[0] != 1 or rates.values() | min < 0 or rates.values() | max > 1 -%}
    {{ exceptions.raise_compiler_error("collect_unpaid_rates gives rates from 0 to 1 by first day overdue, from 1 on") }}
{%- endif -%}
{%- set classes = [] -%}
{%- for first in days -%}
    {%- set last = none if loop.last else days[loop.index] - 1 -%}
    {%- set name = 'over ' ~ (first - 1) if loop.last else first ~ ' to ' ~ last -%}
    {%- do classes.append((name, first, last, rates[first])) -%}
{%- endfor -%}
{{ return(classes) }}
{%- endmacro %}

{#- The age classes as rows: age_class, from_days, to_days (null in the last), prior_unpaid_rate. -#}
{% macro collection_class_rows() -%}
{%- for name, first, last, rate in collection_classes() %}
select
    '{{ name }}' as age_class, {{ first }} as from_days, cast({{ last if last is not none else 'null' }} as integer) as to_days,
    cast({{ rate }} as {{ type_double() }}) as prior_unpaid_rate
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
{%- endmacro %}
