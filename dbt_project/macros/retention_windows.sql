{#-
  Steps that give customers over windows of a kind: one row per customer and month at whose end a window ends, with
  what the customer had at its start and has at its end. Reads the steps amounts, rates and moved.
-#}
{% macro customer_windows(kind, length) -%}
{{ kind }}_windows as (
    select month_start_on, cast({{ dbt.dateadd('month', -length, 'month_start_on') }} as date) as opening_month_on
    from {{ ref('int_mrr_months') }}
),

{{ kind }}_openings as (
    select {{ kind }}_windows.month_start_on as window_month_on, amounts.*
    from amounts
    inner join {{ kind }}_windows on amounts.month_start_on = {{ kind }}_windows.opening_month_on
),

{{ kind }}_sides as (
    select
        coalesce(openings.customer_id, closings.customer_id) as customer_id,
        coalesce(openings.currency_code, closings.currency_code) as currency_code,
        coalesce(openings.window_month_on, closings.month_start_on) as month_start_on,
        coalesce(openings.first_paid_month_on, closings.first_paid_month_on) as cohort_month_on,
        openings.segment_id as opening_segment_id,
        closings.segment_id as closing_segment_id,
        openings.mrr_amount as opening_mrr_amount,
        openings.mrr_reporting_amount as opening_amount,
        closings.mrr_amount as closing_mrr_amount,
        closings.mrr_reporting_amount as paying_amount
    from {{ kind }}_openings as openings
    full outer join amounts as closings
        on openings.customer_id = closings.customer_id and openings.currency_code = closings.currency_code
        and openings.window_month_on = closings.month_start_on
),

{{ kind }}_customers as (
    select
        '{{ kind }}' as window_kind,
        sides.month_start_on,
        min(windows.opening_month_on) as opening_month_on,
        min(sides.cohort_month_on) as cohort_month_on,
        min(sides.opening_segment_id) as opening_segment_id,
        min(sides.closing_segment_id) as closing_segment_id,
        coalesce(bool_or(sides.opening_mrr_amount > 0), false) as was_paying,
        coalesce(bool_or(sides.closing_mrr_amount > 0), false) as is_paying,
        coalesce(sum(sides.opening_amount), 0) as opening_amount,
        sum(
            case
                when rates.final_rate is null then 0
                {%- if kind == 'month' %}
                else coalesce(sides.opening_amount, 0) + coalesce(moved.moved_amount, 0)
                {%- else %}
                when sides.closing_mrr_amount is null then 0
                when sides.closing_mrr_amount = sides.opening_mrr_amount then sides.opening_amount
                else {{ to_reporting('sides.closing_mrr_amount', 'rates.final_rate') }}
                {%- endif %}
            end
        ) as closing_amount,
        coalesce(sum(sides.paying_amount), 0) as paying_amount,
        bool_or(rates.final_rate is null) as is_unconverted,
        count(sides.paying_amount) > 0 as is_converted,
        count(sides.closing_mrr_amount) > count(sides.paying_amount) as is_unconverted_closing
    from {{ kind }}_sides as sides
    inner join {{ kind }}_windows as windows on sides.month_start_on = windows.month_start_on
    left join rates
        on windows.opening_month_on = rates.month_start_on and sides.currency_code = rates.currency_code
    {%- if kind == 'month' %}
    left join moved
        on sides.customer_id = moved.customer_id and sides.currency_code = moved.currency_code
        and sides.month_start_on = moved.month_start_on
    {%- endif %}
    group by sides.customer_id, sides.month_start_on
)
{%- endmacro %}
