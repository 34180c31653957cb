-- Grain: one row per day, from calendar_start_on to the end of the fifth year after the as-of date's.
with days as (
    select spine.date_day
    from ({{ dbt.date_spine('day', calendar_start(), calendar_end()) }}) as spine
),

dated as (
    select
        cast(date_day as date) as date_day,
        cast({{ dbt.date_trunc('month', 'date_day') }} as date) as month_start_on,
        cast({{ dbt.last_day('date_day', 'month') }} as date) as month_end_on,
        cast(extract(year from date_day) as integer) as calendar_year,
        cast(extract(month from date_day) as integer) as calendar_month,
        cast(floor({{ ratio('extract(month from date_day) + 2', 3) }}) as integer) as calendar_quarter,
        {{ iso_weekday('date_day') }} as iso_weekday,
        -- Months since the fiscal year began: 0 in its first month.
        cast(
            (extract(month from date_day) + 12 - {{ fiscal_year_start_month() }}) % 12 as integer
        ) as fiscal_month_index
    from days
),

fiscal as (
    select
        *,
        fiscal_month_index + 1 as fiscal_month,
        cast(floor({{ ratio('fiscal_month_index', 3) }}) as integer) + 1 as fiscal_quarter,
        -- A fiscal year is named for the calendar year in which it ends.
        calendar_year + case
            when {{ fiscal_year_start_month() }} > 1
                and calendar_month >= {{ fiscal_year_start_month() }} then 1
            else 0
        end as fiscal_year
    from dated
),

final as (
    select
        *,
        cast({{ dbt.dateadd('month', '-fiscal_month_index', 'month_start_on') }} as date) as fiscal_year_start_on,
        cast({{ dbt.dateadd('month', '-(fiscal_month_index % 3)', 'month_start_on') }} as date)
            as fiscal_quarter_start_on,
        cast({{ dbt.last_day(dbt.dateadd('month', '2 - fiscal_month_index % 3', 'month_start_on'), 'month') }} as date)
            as fiscal_quarter_end_on
    from fiscal
)

select
    date_day,
    month_start_on,
    month_end_on,
    date_day = month_end_on as is_month_end,
    calendar_year,
    calendar_quarter,
    calendar_month,
    iso_weekday,
    fiscal_year,
    fiscal_quarter,
    fiscal_month,
    fiscal_year_start_on,
    fiscal_quarter_start_on,
    fiscal_quarter_end_on,
    {{ days_between('date_day', 'fiscal_quarter_end_on') }} as days_to_quarter_end,
    sin(2 * pi() * cast(calendar_month - 1 as {{ type_double() }}) / 12) as month_sin,
    cos(2 * pi() * cast(calendar_month - 1 as {{ type_double() }}) / 12) as month_cos
from final
