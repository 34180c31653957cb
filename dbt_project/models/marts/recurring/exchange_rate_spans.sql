-- Grain: one row per currency and span of days with one rate to the reporting currency (exclusive at its end).
-- The rates with which marts convert, as known by the as-of date; the last goes on. Days without a rate have no span.
with changed as (
    select
        currency_code,
        date_day,
        final_rate,
        lag(final_rate) over (partition by currency_code order by date_day) as rate_before
    from {{ ref('int_exchange_rates_daily') }}
),

spans as (
    select
        currency_code,
        date_day as valid_from_on,
        coalesce(lead(date_day) over (partition by currency_code order by date_day), {{ end_of_time() }})
            as valid_to_on,
        final_rate
    from changed
    where final_rate is distinct from rate_before
)

select
    currency_code,
    valid_from_on,
    valid_to_on,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(final_rate as decimal(24, 12)) as rate
from spans
where final_rate is not null
