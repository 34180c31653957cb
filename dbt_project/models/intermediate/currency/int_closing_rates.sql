-- Grain: one row per currency, day on which deals were won and day from which its rate was known to be this.
-- On every day of knowledge (validity is exclusive at its end) the rate is the final_rate of int_exchange_rates_daily as
-- it was then: that of the latest day up to the closing, of those known by then and not withdrawn.
with days as (
    select distinct currency_code, closed_on
    from {{ ref('int_closing_spans') }}
    where currency_code is not null and closed_on >= {{ calendar_start() }} and closed_on <= {{ as_of_date() }}
),

rates as (
    select
        currency_code,
        rate,
        rate_on,
        known_on,
        rate_rank,
        case when deleted_on <= {{ as_of_date() }} then deleted_on else {{ end_of_time() }} end as deleted_on
    from {{ ref('int_exchange_rates_paired') }}

    union all

    select
        {{ reporting_currency() }} as currency_code,
        cast(1 as {{ type_double() }}) as rate,
        {{ calendar_start() }} as rate_on,
        {{ calendar_start() }} as known_on,
        0 as rate_rank,
        {{ end_of_time() }} as deleted_on
),

-- Of the rates that stand, each day has one that was known on it; those of earlier days do not speak any more.
arrived as (
    select
        *,
        max(rate_rank) over (
            partition by currency_code order by greatest(rate_on, known_on), rate_rank
            rows between unbounded preceding and current row
        ) as highest_rank
    from rates
    where deleted_on = {{ end_of_time() }}
),

-- For which days of closing (first_on, before_on) a rate may speak, and from when to when.
speaking as (
    select
        currency_code,
        rate_rank,
        greatest(rate_on, known_on) as first_on,
        coalesce(
            lead(greatest(rate_on, known_on)) over (partition by currency_code order by rate_rank), {{ end_of_time() }}
        ) as before_on,
        known_on,
        deleted_on
    from arrived
    where rate_rank = highest_rank

    union all

    -- Known late, or withdrawn since: for each day the latest of those that came and went together.
    select
        currency_code,
        rate_rank,
        rate_on as first_on,
        least(
            coalesce(
                lead(rate_on) over (partition by currency_code, known_on, deleted_on order by rate_rank),
                {{ end_of_time() }}
            ),
            case when deleted_on = {{ end_of_time() }} then known_on else deleted_on end
        ) as before_on,
        known_on,
        deleted_on
    from rates
    where known_on > rate_on or deleted_on < {{ end_of_time() }}
),

offered as (
    select
        days.currency_code,
        days.closed_on,
        speaking.rate_rank,
        greatest(speaking.known_on, days.closed_on) as known_from_on,
        speaking.deleted_on as known_to_on
    from days
    inner join speaking
        on days.currency_code = speaking.currency_code
        and days.closed_on >= speaking.first_on and days.closed_on < speaking.before_on
    where greatest(speaking.known_on, days.closed_on) < speaking.deleted_on
),

edges as (
    select currency_code, closed_on, cast('0001-01-01' as date) as known_from_on from days
    union
    select currency_code, closed_on, known_from_on from offered
    union
    select currency_code, closed_on, known_to_on from offered where known_to_on < {{ end_of_time() }}
),

chosen as (
    select edges.currency_code, edges.closed_on, edges.known_from_on, max(offered.rate_rank) as rate_rank
    from edges
    left join offered
        on edges.currency_code = offered.currency_code and edges.closed_on = offered.closed_on
        and edges.known_from_on >= offered.known_from_on and edges.known_from_on < offered.known_to_on
    group by edges.currency_code, edges.closed_on, edges.known_from_on
)

select
    chosen.currency_code,
    chosen.closed_on,
    chosen.known_from_on,
    coalesce(
        lead(chosen.known_from_on) over (
            partition by chosen.currency_code, chosen.closed_on order by chosen.known_from_on
        ),
        {{ end_of_time() }}
    ) as known_to_on,
    rates.rate
from chosen
left join rates on chosen.rate_rank = rates.rate_rank
