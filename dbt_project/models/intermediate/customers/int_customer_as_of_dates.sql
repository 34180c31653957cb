-- Grain: one row per as-of date of customer features.
{%- set dates = customer_as_of_dates() %}
select
    as_of_date,
    cast(previous_date as date) as previous_date,
    as_of_date = {{ as_of_date() }} as is_current,
    {{ on_circle('sin', 'extract(month from as_of_date) - 1', 12) }} as month_sin,
    {{ on_circle('cos', 'extract(month from as_of_date) - 1', 12) }} as month_cos
from (
    {%- for day in dates %}
    select cast('{{ day }}' as date) as as_of_date, '{{ '0001-01-01' if loop.first else dates[loop.index0 - 1] }}'
        as previous_date {{- ' union all' if not loop.last }}
    {%- endfor %}
) as dates
