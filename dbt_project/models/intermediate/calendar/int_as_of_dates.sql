-- Grain: one row per as-of date.
-- Month ends of the history window, and the as-of date itself.
select
    date_day as as_of_date,
    date_day = {{ as_of_date() }} as is_current,
    month_start_on,
    days_to_quarter_end,
    month_sin,
    month_cos
from {{ ref('int_dates_spined') }}
where
    date_day = {{ as_of_date() }}
    or (
        is_month_end
        and date_day < {{ as_of_date() }}
        and date_day >= cast('{{ month_end_before(var('history_months')) }}' as date)
    )
