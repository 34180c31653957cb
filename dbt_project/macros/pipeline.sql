{#- An amount in the reporting currency, rounded to the cent by itself, as in metrics.pipeline_as_of. -#}
{% macro converted(amount, rate) -%}
cast(cast({{ amount }} as {{ type_double() }}) * {{ rate }} as {{ type_money() }})
{%- endmacro %}
