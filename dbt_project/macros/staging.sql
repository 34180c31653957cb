{#- Identity of a source row: what it is called unless a link says otherwise. -#}
{% macro source_key(source_id) -%}source_name || ':' || {{ source_id }}{%- endmacro %}

{#- The day from which a row counts: when it was known, but not before it happened. -#}
{% macro known_on(known_at) -%}
{{ local_date('greatest(' ~ known_at ~ ', occurred_at)') }}
{%- endmacro %}

{#- Histories hold values as text. One that cannot be read as its field's type is left out of the
    state (a test counts such rows) instead of stopping the build. -#}
{% macro is_readable_value(field_name, value) -%}
{%- set numbers = [
    'lead_score', 'planned_user_count', 'discount_rate', 'contract_months', 'competitor_count',
    'employee_count',
] -%}
{%- set amounts = ['amount', 'annual_revenue_amount', 'list_price_amount'] -%}
{%- set flags = ['has_champion', 'has_budget', 'has_decision_maker', 'is_deleted', 'is_active'] -%}
case
    when {{ value }} is null then true
    when {{ field_name }} in ('{{ numbers | join("', '") }}')
        then {{ is_plain_number(value) }} or {{ matches(value, number_pattern()) }}
    when {{ field_name }} in ('{{ amounts | join("', '") }}')
        then {{ is_plain_number(value) }} or {{ matches(value, "'^[+-]?[0-9]{1,15}([.][0-9]{0,30})?$'") }}
    when {{ field_name }} in ('{{ flags | join("', '") }}') then {{ value }} in ('true', 'false')
    when {{ field_name }} = 'expected_close_on' then {{ is_iso_date(value) }}
    else true
end
{%- endmacro %}

{#- A day that exists, from the year 1000 to 2999. -#}
{% macro is_iso_date(value) -%}
{%- set long = '(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])' -%}
{%- set short = '(0[469]|11)-(0[1-9]|[12][0-9]|30)' -%}
{%- set february = '02-(0[1-9]|1[0-9]|2[0-8])' -%}
{%- set leap = '[12][0-9](0[48]|[2468][048]|[13579][26])-02-29|(12|16|20|24|28)00-02-29' -%}
{{ matches(value, "'^([12][0-9]{3}-(" ~ long ~ '|' ~ short ~ '|' ~ february ~ ')|' ~ leap ~ ")$'") }}
{%- endmacro %}

{#- Digits with at most one point among them: what most numbers are, told without a regular expression. -#}
{% macro is_plain_number(value) -%}
(
    length({{ value }}) between 1 and 15
    and translate({{ value }}, '0123456789', '') in ('', '.')
    and {{ value }} <> '.'
)
{%- endmacro %}

{#- Nothing but digits: what most quantities are, told without a regular expression. -#}
{% macro is_whole_number(value) -%}
(length({{ value }}) between 1 and 15 and translate({{ value }}, '0123456789', '') = '')
{%- endmacro %}

{#- A number in C notation. -#}
{% macro number_pattern() -%}
'^[+-]?([0-9]{1,15}[.]?[0-9]{0,30}|[.][0-9]{1,30})([eE][+-]?[0-9]{1,2})?$'
{%- endmacro %}
