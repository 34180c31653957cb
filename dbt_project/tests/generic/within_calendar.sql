{#- Nothing that counts lies before the calendar, whose months it would be missing from. Says which day is the oldest. -#}
{% test within_calendar(model, day, condition='true') %}
{%- set before -%}
select min({{ day }}) as oldest_on from {{ model }} where {{ condition }} and {{ day }} < {{ calendar_start() }}
{%- endset -%}
{%- if execute and flags.WHICH in ('build', 'test') -%}
    {%- set oldest = run_query(before).columns[0].values()[0] -%}
    {%- if oldest is not none -%}
        {{ exceptions.raise_compiler_error(
            "calendar_start_on is " ~ var('calendar_start_on') ~ ", but the data begin on " ~ oldest
            ~ ": what is older would be in no month. Set calendar_start_on in dbt_project.yml to " ~ oldest
            ~ " or an earlier day."
        ) }}
    {%- endif -%}
{%- endif -%}
select oldest_on from ({{ before }}) as found where oldest_on is not null
{% endtest %}
