{#- The narrower rule wins: a region before its country, then a class of products, then a kind of customer (1). -#}
{% macro tax_specificity() -%}
case when region_code is null then 0 else 4 end + case when tax_class is null then 0 else 2 end
{%- endmacro %}

{#- Does a rule's country, region or class cover a line's? One that names none covers all. -#}
{% macro tax_covers(rule, line, columns) -%}
{%- for column in columns -%}
({{ rule }}.{{ column }} is null or {{ rule }}.{{ column }} = {{ line }}.{{ column }}){{ ' and ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}
