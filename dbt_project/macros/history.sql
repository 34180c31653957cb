{#-
  State of an entity at the end of every day on which something about it became known.

  changes: relation with <key>, field_name, new_value, occurred_at, known_at, known_on, occurred_on, change_id
  entities: relation with <key>, known_on, observed_on, and per field observed_<field> (text)
  fields: tracked fields; dated: fields whose day of change is wanted too, as <field>_on
          (entities then has observed_<field>_on, text)

  Yields <key>, valid_from_on and per field its value as text.

  Among the rows known by a day, the one that occurred last is the state (then: known last, then
  change_id). A row known late about an older time therefore replaces nothing newer. This falls out
  of a running maximum over '<rank>=<value>', the rank being the order in which things occurred, so
  the whole history costs one sort (rows of one entity are then put into the order they became known). What was only observed (a column of the entity's own row)
  ranks below every change, and counts from the day it was observed. Changes of an entity without
  a row of its own are left out, and changes known before it count from the day it became known.
-#}
{% macro history_states(changes, entities, key, fields, dated=[]) %}
with marked as (
    select
        {{ key }}, known_on, occurred_at, known_at, change_id, field_name, new_value,
        {% if dated %}occurred_on,{% endif %}
        {%- for field in fields %}
        cast(null as {{ dbt.type_string() }}) as observed_{{ field }},
        {%- endfor %}
        {%- for field in dated %}
        cast(null as {{ dbt.type_string() }}) as observed_{{ field }}_on,
        {%- endfor %}
        false as is_beginning
    from {{ changes }}
    where field_name in ('{{ fields | join("', '") }}')
    {% for is_beginning in [true, false] %}
    union all

    select
        {{ key }}, {{ 'known_on' if is_beginning else 'observed_on' }}, null, null, null, null, null,
        {% if dated %}null,{% endif %}
        {%- for field in fields %}
        {{ 'null' if is_beginning else 'observed_' ~ field }},
        {%- endfor %}
        {%- for field in dated %}
        {{ 'null' if is_beginning else 'observed_' ~ field ~ '_on' }},
        {%- endfor %}
        {{ is_beginning | lower }}
    from {{ entities }}
    {% if not is_beginning %}where observed_on >= known_on{% endif %}
    {% endfor %}
),

ranked as (
    select
        *,
        lpad(cast(row_number() over (
            partition by {{ key }}
            order by occurred_at nulls first, known_at nulls first, change_id nulls first
        ) as {{ dbt.type_string() }}), 7, '0') as change_rank
    from marked
),

carried as (
    select
        {{ key }},
        known_on as valid_from_on,
        {%- for field in fields %}
        max(case
            when field_name = '{{ field }}' then change_rank || coalesce('=' || new_value, '')
            when observed_{{ field }} is not null then change_rank || '=' || observed_{{ field }}
        end) over known as {{ field }},
        {%- endfor %}
        {%- for field in dated %}
        max(case
            when field_name = '{{ field }}'
                then change_rank || '=' || cast(occurred_on as {{ dbt.type_string() }})
            when observed_{{ field }} is not null
                then change_rank || coalesce('=' || observed_{{ field }}_on, '')
        end) over known as {{ field }}_on,
        {%- endfor %}
        bool_or(is_beginning) over known as has_begun,
        coalesce(lead(known_on) over known <> known_on, true) as is_end_of_day
    from ranked
    -- The default frame, up to the current row: ranks have no ties, and lead() takes no other on every engine.
    window known as (partition by {{ key }} order by known_on, change_rank)
)

select
    {{ key }},
    valid_from_on,
    {%- for field in fields %}
    nullif(substr({{ field }}, 9), '') as {{ field }}{{ ',' if dated or not loop.last }}
    {%- endfor %}
    {%- for field in dated %}
    nullif(substr({{ field }}_on, 9), '') as {{ field }}_on{{ ',' if not loop.last }}
    {%- endfor %}
from carried
where has_begun and is_end_of_day
{% endmacro %}
