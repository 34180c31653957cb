-- Grain: one row per install with payments before the end of its window, as known now. "Followed" are those after the
-- age of its features; early ones are counted here even where they were told too late for the features.
with payments as (
    select
        installs.install_id,
        events.happened_at >= installs.reached_at as is_followed,
        {{ to_reporting('events.revenue_amount', 'rates.final_rate') }} as amount,
        events.known_on
    from {{ ref('int_installs_reached') }} as installs
    inner join {{ ref('stg_installs__install_events') }} as events on installs.install_id = events.install_id
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on events.currency_code = rates.currency_code and events.happened_on = rates.date_day
    where events.revenue_amount <> 0
        and events.happened_at < installs.ends_at
        and events.known_on <= {{ as_of_date() }}
        and (events.deleted_on is null or events.deleted_on > {{ as_of_date() }})
)

select
    install_id,
    sum(amount) as revenue,
    count(*) filter (where amount is null) as missing_count,
    coalesce(sum(amount) filter (where is_followed), 0) as followed_revenue,
    count(*) filter (where is_followed and amount is null) as followed_missing_count,
    max(known_on) filter (where is_followed) as followed_known_on
from payments
group by install_id
