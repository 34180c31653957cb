-- Grain: one row per month, from the first with figures to the month of the as-of date.
-- Which months are closed, by which closing, as far as closings were made by the as-of date. Built after all that a
-- closing freezes, so that it tells which day those are as of. Months that only later turned out to have figures lie
-- before the first that was frozen: they were reported with nothing, and are closed too.
-- depends_on: {{ ref('fct_mrr_movements') }}
-- depends_on: {{ ref('fct_mrr_movements_reporting') }}
-- depends_on: {{ ref('closing_inputs') }}
with calendar as (
    select month_start_on, max(date_day) as month_end_on, max(month_end_on) as month_ends_on
    from {{ ref('dim_date') }}
    where date_day <= {{ as_of_date() }}
    group by month_start_on
),

closings as (
    select
        closing_id,
        month_start_on,
        first_month_start_on,
        reporting_currency_code,
        lag(month_start_on) over (order by month_start_on) as closed_before_on
    from {{ source('planning', 'closed_months') }}
    where as_of_date <= {{ as_of_date() }}
),

begun as (
    select min(month_start_on) as begins_on
    from (
        select min(month_start_on) as month_start_on from {{ ref('fct_mrr_monthly') }}
        union all
        select min(month_start_on) as month_start_on from {{ ref('revenue_to_date_monthly') }}
        union all
        select min(first_month_start_on) as month_start_on from closings
    ) as firsts
),

dated as (
    select
        calendar.month_start_on,
        calendar.month_end_on,
        calendar.month_end_on = calendar.month_ends_on as is_over,
        closings.closing_id is not null as is_closed,
        closings.closing_id,
        coalesce(closings.reporting_currency_code, {{ reporting_currency() }}) as reporting_currency_code
    from calendar
    inner join begun on calendar.month_start_on >= begun.begins_on
    left join closings
        on calendar.month_start_on <= closings.month_start_on
        and (calendar.month_start_on > closings.closed_before_on or closings.closed_before_on is null)
)

select
    month_start_on,
    month_end_on,
    {{ as_of_date() }} as as_of_date,
    is_over,
    is_closed,
    closing_id,
    reporting_currency_code,
    {{ reporting_currency() }} as known_currency_code,
    -- In the first month of another reporting currency there is nothing to compare with.
    coalesce(
        reporting_currency_code <> lag(reporting_currency_code) over (order by month_start_on), false
    ) as is_restated
from dated
