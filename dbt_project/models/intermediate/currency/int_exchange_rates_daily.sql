-- Grain: one row per currency and day up to the as-of date.
-- known_rate: the latest rate published for that day or earlier and known on that day;
-- final_rate: the same, but known at any time up to the as-of date.
-- What was published before the calendar's first day counts from that day on.
with days as (
    select date_day from {{ ref('int_dates_spined') }} where date_day <= {{ as_of_date() }}
),

currencies as (
    select distinct currency_code from {{ ref('int_exchange_rates_paired') }}
),

known as (
    select
        currency_code,
        greatest(rate_on, known_on, {{ calendar_start() }}) as date_day,
        max(rate_rank) as rate_rank
    from {{ ref('int_exchange_rates_paired') }}
    where deleted_on is null
    group by currency_code, greatest(rate_on, known_on, {{ calendar_start() }})
),

-- A rate that was withdrawn counts until that day.
withdrawn as (
    select rates.currency_code, days.date_day, max(rates.rate_rank) as rate_rank
    from {{ ref('int_exchange_rates_paired') }} as rates
    inner join days
        on days.date_day >= greatest(rates.rate_on, rates.known_on) and days.date_day < rates.deleted_on
    where rates.deleted_on is not null
    group by rates.currency_code, days.date_day
),

settled as (
    select currency_code, greatest(rate_on, {{ calendar_start() }}) as date_day, max(rate_rank) as rate_rank
    from {{ ref('int_exchange_rates_paired') }}
    where deleted_on is null or deleted_on > {{ as_of_date() }}
    group by currency_code, greatest(rate_on, {{ calendar_start() }})
),

ranked as (
    select
        currencies.currency_code,
        days.date_day,
        greatest(
            coalesce(max(known.rate_rank) over passed, 0), coalesce(withdrawn.rate_rank, 0)
        ) as known_rank,
        max(settled.rate_rank) over passed as final_rank
    from currencies
    cross join days
    left join known
        on currencies.currency_code = known.currency_code and days.date_day = known.date_day
    left join withdrawn
        on currencies.currency_code = withdrawn.currency_code and days.date_day = withdrawn.date_day
    left join settled
        on currencies.currency_code = settled.currency_code and days.date_day = settled.date_day
    window passed as (
        partition by currencies.currency_code order by days.date_day
        rows between unbounded preceding and current row
    )
)

select
    ranked.currency_code,
    ranked.date_day,
    known_rates.rate as known_rate,
    final_rates.rate as final_rate
from ranked
left join {{ ref('int_exchange_rates_paired') }} as known_rates
    on ranked.known_rank = known_rates.rate_rank
left join {{ ref('int_exchange_rates_paired') }} as final_rates
    on ranked.final_rank = final_rates.rate_rank

union all

select
    {{ reporting_currency() }} as currency_code,
    date_day,
    cast(1 as {{ type_double() }}) as known_rate,
    cast(1 as {{ type_double() }}) as final_rate
from days
