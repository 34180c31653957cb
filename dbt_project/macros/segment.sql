{#- What a segment is: the configured account columns, joined. '(all)' is kept for totals. -#}
{% macro segment_columns() -%}
{%- set allowed = ['segment', 'region', 'industry', 'country_code'] -%}
{%- set chosen = var('segment_columns') -%}
{%- for column in chosen -%}
    {%- if column not in allowed -%}
        {{ exceptions.raise_compiler_error(
            "segment_columns: '" ~ column ~ "' is not one of " ~ allowed | join(', ')) }}
    {%- endif -%}
{%- endfor -%}
{%- if not chosen -%}
    {{ exceptions.raise_compiler_error("segment_columns is empty: name at least one account column") }}
{%- endif -%}
{{ return(chosen) }}
{%- endmacro %}

{% macro segment_of() -%}
replace(
    {%- for column in segment_columns() %}
    {{ "|| ' / ' || " if not loop.first }}coalesce(nullif(trim({{ column }}), ''), 'Unknown')
    {%- endfor %},
    '(all)', 'all'
)
{%- endmacro %}

{#- The segment of deals without an account. -#}
{% macro unknown_segment() -%}
{%- set parts = [] -%}
{%- for column in segment_columns() -%}{%- do parts.append('Unknown') -%}{%- endfor -%}
'{{ parts | join(' / ') }}'
{%- endmacro %}
