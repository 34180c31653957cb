-- Grain: one row per payer with an open invoice and as-of date: how late it and all payers had paid, as known then.
{%- set sums = ['paid_count', 'late_count', 'days_past_due', 'squared_days_past_due'] %}
{%- set limit = var('invoice_delay_limit_days') | int %}
with paid as (
    -- Beyond the limit days say no more: one invoice forgotten for years would outweigh all others.
    select payer_id, known_on, greatest(least(days_past_due, {{ limit }}), -{{ limit }}) as days_past_due
    from {{ ref('int_invoices_settled') }}
    where is_paid
),

daily as (
    select
        payer_id,
        known_on,
        count(*) as paid_count,
        count(*) filter (where days_past_due > 0) as late_count,
        sum(days_past_due) as days_past_due,
        sum(days_past_due * days_past_due) as squared_days_past_due
    from paid
    group by payer_id, known_on
),

payers as (
    select payer_id, as_of_date, 1 as is_marker
    from {{ ref('int_invoices_open') }}
    group by payer_id, as_of_date
),

marked as (
    select payer_id, known_on as day, 0 as is_marker, {{ sums | join(', ') }} from daily
    union all
    select
        payer_id, as_of_date as day, is_marker,
        {%- for name in sums %}
        0 as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from payers
),

own as (
    select
        payer_id, day, is_marker,
        max(case when paid_count > 0 then day end) over known as latest_paid_on,
        {%- for name in sums %}
        sum({{ name }}) over known as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from marked
    window known as (partition by payer_id order by day, is_marker)
),

company as (
    select
        known_on,
        {%- for name in sums %}
        sum({{ name }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from daily
    group by known_on
),

everyone as (
    select
        dates.as_of_date,
        {%- for name in sums %}
        sum(company.{{ name }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_as_of_dates') }} as dates
    inner join company on company.known_on <= dates.as_of_date
    group by dates.as_of_date
)

select
    own.payer_id,
    own.day as as_of_date,
    own.latest_paid_on,
    {%- for name in sums %}
    cast(own.{{ name }} as {{ type_double() }}) as {{ name }},
    {%- endfor %}
    {{ ratio('everyone.late_count', 'everyone.paid_count') }} as company_late_rate,
    {{ ratio('everyone.days_past_due', 'everyone.paid_count') }} as company_days_past_due,
    {{ ratio('everyone.squared_days_past_due', 'everyone.paid_count') }} as company_squared_days_past_due
from own
left join everyone on own.day = everyone.as_of_date
where own.is_marker = 1
