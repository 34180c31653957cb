{#- Declared pass-through attributes as [{name, column, type}]; the column is attr_ and the name in lower case. -#}
{% macro deal_attributes() -%}
{%- set found = [] -%}
{%- for entry in var('deal_attribute_features') -%}
    {%- set name = (entry.name if entry is mapping else entry) | string -%}
    {%- set type = entry.get('type', 'text') if entry is mapping else 'text' -%}
    {%- set column = 'attr_' ~ modules.re.sub('[^a-z0-9]+', '_', name | lower) -%}
    {%- if type not in ['text', 'number'] or "'" in name or '\\' in name -%}
        {{ exceptions.raise_compiler_error(
            "deal_attribute_features: '" ~ name ~ "' needs type text or number, and no quotes in its name") }}
    {%- endif -%}
    {%- if column in found | map(attribute='column') -%}
        {{ exceptions.raise_compiler_error("deal_attribute_features: two attributes become " ~ column) }}
    {%- endif -%}
    {%- do found.append({'name': name, 'column': column, 'type': type}) -%}
{%- endfor -%}
{{ return(found) }}
{%- endmacro %}
