{#- Months in which adjustments may stand: those after the first closing, up to the first that is open. The first closing
    froze all months before it as known then, those without figures as nothing, so nothing was adjusted in them. -#}
{% macro months_after_closings() -%}
numbered_months as (
    select
        month_start_on,
        is_closed,
        is_restated,
        lag(month_start_on) over (order by month_start_on) as month_before_on,
        lag(closing_id) over (order by month_start_on) as closing_before_id,
        closing_id
    from {{ ref('accounting_months') }}
),

months_after_closings as (
    select month_start_on, month_before_on, is_restated
    from numbered_months
    where closing_before_id is not null and closing_id is distinct from closing_before_id
)
{%- endmacro %}
