{#-
  Steps that give customers over windows of a kind: one row per customer and month at whose end a window ends, with
  what the customer had at its start and has at its end. Reads the steps amounts, several, rates and moved.
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

{{ kind }}_pairs as (
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

{{ kind }}_sides as (
    select
        pairs.customer_id,
        several.customer_id is not null as has_several,
        '{{ kind }}' as window_kind,
        pairs.month_start_on,
        windows.opening_month_on,
        pairs.cohort_month_on,
        pairs.opening_segment_id,
        pairs.closing_segment_id,
        coalesce(pairs.opening_mrr_amount > 0, false) as was_paying,
        coalesce(pairs.closing_mrr_amount > 0, false) as is_paying,
        coalesce(pairs.opening_amount, 0) as opening_amount,
        case
            when rates.final_rate is null then 0
            {%- if kind == 'month' %}
            else coalesce(pairs.opening_amount, 0) + coalesce(moved.moved_amount, 0)
            {%- else %}
            when pairs.closing_mrr_amount is null then 0
            when pairs.closing_mrr_amount = pairs.opening_mrr_amount then pairs.opening_amount
            else {{ to_reporting('pairs.closing_mrr_amount', 'rates.final_rate') }}
            {%- endif %}
        end as closing_amount,
        coalesce(pairs.paying_amount, 0) as paying_amount,
        {%- if kind == 'month' %}
        coalesce(pairs.paying_amount, 0) - coalesce(moved.begun_amount, 0) as carried_amount,
        {%- else %}
        0 as carried_amount,
        {%- endif %}
        rates.final_rate is null as is_unconverted,
        pairs.paying_amount is not null as is_converted,
        pairs.closing_mrr_amount is not null and pairs.paying_amount is null as is_unconverted_closing
    from {{ kind }}_pairs as pairs
    inner join {{ kind }}_windows as windows on pairs.month_start_on = windows.month_start_on
    left join several on pairs.customer_id = several.customer_id
    left join rates
        on windows.opening_month_on = rates.month_start_on and pairs.currency_code = rates.currency_code
    {%- if kind == 'month' %}
    left join moved
        on pairs.customer_id = moved.customer_id and pairs.currency_code = moved.currency_code
        and pairs.month_start_on = moved.month_start_on
    {%- endif %}
),

{%- set labels = ['window_kind', 'month_start_on', 'opening_month_on'] %}
{%- set texts = ['cohort_month_on', 'opening_segment_id', 'closing_segment_id'] %}
{%- set flags = ['was_paying', 'is_paying', 'is_unconverted', 'is_converted', 'is_unconverted_closing'] %}
{%- set figures = ['opening_amount', 'closing_amount', 'paying_amount', 'carried_amount'] %}

{{ kind }}_customers as (
    select {{ (labels + texts + flags + figures) | join(', ') }}
    from {{ kind }}_sides
    where not has_several

    union all

    select
        {{ labels | join(', ') }}
        {%- for column in texts %}, min({{ column }}) as {{ column }}{% endfor %}
        {%- for column in flags %}, bool_or({{ column }}) as {{ column }}{% endfor %}
        {%- for column in figures %}, sum({{ column }}) as {{ column }}{% endfor %}
    from {{ kind }}_sides
    where has_several
    group by customer_id, {{ labels | join(', ') }}
)
{%- endmacro %}
