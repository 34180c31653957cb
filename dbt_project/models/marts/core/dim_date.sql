-- Grain: one row per day.
-- Months, quarters and fiscal periods come from here and nowhere else.
select
    date_day,
    month_start_on,
    month_end_on,
    is_month_end,
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
    days_to_quarter_end
from {{ ref('int_dates_spined') }}
