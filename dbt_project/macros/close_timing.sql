{#- Ends of the intervals in which closing is predicted, in days after the as-of date. -#}
{% macro close_knots() -%}{{ return([7, 14, 30, 45, 60, 90, 120, 180, 270, 365]) }}{%- endmacro %}

{#- A cumulative probability on a day, from the columns within_<days>d_probability of a relation: linear between
    the knots, 0 on the as-of date, and after the last knot what it says. -#}
{% macro closed_within(relation, days) -%}
case
    when {{ days }} <= 0 then 0
    {%- for knot in close_knots() %}
    {%- set before = close_knots()[loop.index0 - 1] if not loop.first else 0 %}
    {%- set low = relation ~ '.within_' ~ before ~ 'd_probability' if not loop.first else '0' %}
    when {{ days }} <= {{ knot }}
        then {{ low }} + ({{ relation }}.within_{{ knot }}d_probability - {{ low }})
            * {{ ratio('(' ~ days ~ ' - ' ~ before ~ ')', knot - before) }}
    {%- endfor %}
    else {{ relation }}.within_365d_probability
end
{%- endmacro %}
