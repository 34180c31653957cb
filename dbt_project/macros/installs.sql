{#- A text whose spelling says nothing: without blanks at its ends, in small letters; null where that leaves nothing. -#}
{% macro plain_text(column) -%}
nullif(lower(trim(translate(
    {{ column }}, chr(9) || chr(10) || chr(13) || chr(160), '    '
))), '')
{%- endmacro %}

{#- The same for codes, in capitals. -#}
{% macro plain_code(column) -%}
upper({{ plain_text(column) }})
{%- endmacro %}

{#- A platform by its one name, whatever the source calls it. -#}
{% macro platform_name(column) -%}
{%- set plain, names = plain_text(column), var('install_platform_names') -%}
case {{ plain }}
    {%- for alias in names %}
    when '{{ alias | replace("'", "''") }}' then '{{ names[alias] | replace("'", "''") }}'
    {%- endfor %}
    else {{ plain }}
end
{%- endmacro %}

{#- The first whole number in a version: 17 of 'iOS 17.4'; null where there is none. -#}
{% macro version_number(column) -%}
{%- set found -%}
split_part(trim(translate(lower({{ column }}), 'abcdefghijklmnopqrstuvwxyz_-()/', '')), '.', 1)
{%- endset -%}
case when {{ is_whole_number(found) }} then cast({{ found }} as {{ type_double() }}) end
{%- endmacro %}

{#- Hours after an instant; hours, because days of a session's time zone differ in length. -#}
{% macro add_hours(instant, hours) -%}
{{ dbt.dateadd('hour', hours, instant) }}
{%- endmacro %}

{#- Days after an install at which its features are taken, and at which the window of its revenue ends. -#}
{% macro install_days(name) -%}
{%- set age, window = day_count('install_feature_days') | int, day_count('install_value_window_days') | int -%}
{%- if not 0 < age < window -%}
    {{ exceptions.raise_compiler_error(
        "install_feature_days is at least 1 and less than install_value_window_days, not " ~ age ~ " and " ~ window) }}
{%- endif -%}
{{ return(age if name == 'feature' else window) }}
{%- endmacro %}

{#- Is an event of one of the kinds a variable lists? -#}
{% macro is_event_of(kind) -%}
{%- set names = [] -%}
{%- for name in var('install_' ~ kind ~ '_events') -%}
    {%- do names.append("'" ~ (name | string | trim | lower | replace("'", "''")) ~ "'") -%}
{%- endfor -%}
event_name in ({{ names | join(', ') if names else 'null' }})
{%- endmacro %}
