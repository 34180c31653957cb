{#-
  Values of tracked fields by day, as far as known by the as-of date.

  changes: relation with <key>, field_name, old_value, new_value, occurred_at, known_at, occurred_on,
           known_on, change_id; values that cannot be read are left out of it
  entities: relation with <key> and, per field, a column of that name: the value shown now, as text

  Yields <key>, valid_from_on, valid_to_on, known_on and per field its value as text.

  On a day a field has the value of its latest change on or before that day (ties: known last, then
  change_id). Before its first change it has that change's old value; a field without any change has the
  value shown now for the entity's whole life, so the first span of each begins with time itself.
  A running maximum over '<rank>=<value>' carries the values, so that each history is sorted once.
-#}
{% macro tracked_spans(changes, entities, key, fields) %}
with numbered as (
    select
        {{ key }}, field_name, old_value,
        row_number() over (
            partition by {{ key }}, field_name order by occurred_at, known_at, change_id
        ) as change_number
    from {{ changes }}
    where field_name in ('{{ fields | join("', '") }}')
),

beginnings as (
    select
        entities.{{ key }},
        {%- for field in fields %}
        case
            when bool_or(numbered.field_name = '{{ field }}')
                then max(case when numbered.field_name = '{{ field }}' then numbered.old_value end)
            else max(entities.{{ field }})
        end as {{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ entities }} as entities
    left join numbered on entities.{{ key }} = numbered.{{ key }} and numbered.change_number = 1
    group by entities.{{ key }}
),

marked as (
    select
        {{ key }},
        cast('0001-01-01' as date) as valid_from_on,
        cast(null as date) as known_on,
        0 as is_change,
        {{ dbt.cast('null', dbt.type_string()) }} as change_id,
        {{ dbt.cast('null', dbt.type_string()) }} as field_name,
        {{ dbt.cast('null', dbt.type_string()) }} as new_value,
        cast(null as {{ type_instant() }}) as occurred_at,
        cast(null as {{ type_instant() }}) as known_at,
        {%- for field in fields %}
        {{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
    from beginnings

    union all

    select
        {{ key }}, occurred_on, known_on, 1, change_id, field_name, new_value, occurred_at, known_at,
        {%- for field in fields %}
        null{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ changes }}
    where field_name in ('{{ fields | join("', '") }}') and known_on <= {{ as_of_date() }}
),

ranked as (
    select
        *,
        lpad(cast(row_number() over (
            partition by {{ key }} order by is_change, occurred_at, known_at, change_id
        ) as {{ dbt.type_string() }}), 7, '0') as change_rank
    from marked
),

carried as (
    select
        {{ key }},
        valid_from_on,
        max(known_on) over (partition by {{ key }}, valid_from_on) as known_on,
        {%- for field in fields %}
        max(case
            when is_change = 0 then change_rank || coalesce('=' || {{ field }}, '')
            when field_name = '{{ field }}' then change_rank || coalesce('=' || new_value, '')
        end) over passed as {{ field }},
        {%- endfor %}
        coalesce(lead(valid_from_on) over passed <> valid_from_on, true) as is_end_of_day,
        lead(valid_from_on) over passed as next_from_on
    from ranked
    -- The default frame, up to the current row: ranks have no ties.
    window passed as (partition by {{ key }} order by change_rank)
)

select
    {{ key }},
    valid_from_on,
    coalesce(next_from_on, {{ end_of_time() }}) as valid_to_on,
    known_on,
    {%- for field in fields %}
    nullif(substr({{ field }}, 9), '') as {{ field }}{{ ',' if not loop.last }}
    {%- endfor %}
from carried
where is_end_of_day
{% endmacro %}

{#- Can a history's text be read as what its field holds? Fields in none of the lists are text; bounds are the least and
    the greatest number of a field, words all that a field may say. -#}
{% macro is_readable_field(
    field_name, value, amounts=[], numbers=[], dates=[], instants=[], flags=[], bounds={}, words={}
) -%}
case
    when {{ value }} is null then true
    {%- for field, (least_number, greatest_number) in bounds.items() %}
    when {{ field_name }} = '{{ field }}'
        then case
            when {{ is_plain_number(value) }} or {{ matches(value, number_pattern()) }}
                then cast({{ value }} as {{ type_double() }}) between {{ least_number }} and {{ greatest_number }}
            else false
        end
    {%- endfor %}
    {%- for field, allowed in words.items() %}
    when {{ field_name }} = '{{ field }}' then {{ value }} in ('{{ allowed | join("', '") }}')
    {%- endfor %}
    {%- if amounts %}
    when {{ field_name }} in ('{{ amounts | join("', '") }}')
        then {{ is_whole_number(value) }} or {{ matches(value, "'^[+-]?[0-9]{1,15}([.][0-9]{0,30})?$'") }}
    {%- endif %}
    {%- if numbers %}
    when {{ field_name }} in ('{{ numbers | join("', '") }}')
        then {{ is_whole_number(value) }} or {{ matches(value, number_pattern()) }}
    {%- endif %}
    {%- if dates %}
    when {{ field_name }} in ('{{ dates | join("', '") }}') then {{ is_iso_date(value) }}
    {%- endif %}
    {%- if instants %}
    when {{ field_name }} in ('{{ instants | join("', '") }}')
        then {{ is_iso_date('substr(' ~ value ~ ', 1, 10)') }}
            and {{ matches('substr(' ~ value ~ ', 11)', instant_time_pattern()) }}
    {%- endif %}
    {%- if flags %}
    when {{ field_name }} in ('{{ flags | join("', '") }}') then {{ value }} in ('true', 'false')
    {%- endif %}
    else true
end
{%- endmacro %}

{#- What may follow the day in an ISO 8601 instant: nothing, or a time of day with or without a zone. -#}
{% macro instant_time_pattern() -%}
'^([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)?)?$'
{%- endmacro %}
