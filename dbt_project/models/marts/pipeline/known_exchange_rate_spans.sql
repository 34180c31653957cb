-- Grain: one row per currency and span of days with one rate to the reporting currency (exclusive at its end).
-- The rate known on the day, with which open deals are converted; exchange_rate_spans has what became known later too.
with changed as (
    select
        currency_code,
        date_day,
        known_rate,
        lag(known_rate) over (partition by currency_code order by date_day) as rate_before
    from {{ ref('int_exchange_rates_daily') }}
),

spans as (
    select
        currency_code,
        date_day as valid_from_on,
        coalesce(lead(date_day) over (partition by currency_code order by date_day), {{ end_of_time() }})
            as valid_to_on,
        known_rate
    from changed
    where known_rate is distinct from rate_before
)

select
    currency_code,
    valid_from_on,
    valid_to_on,
    {{ reporting_currency() }} as reporting_currency_code,
    known_rate as rate
from spans
where known_rate is not null
