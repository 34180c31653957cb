-- Grain: one row per install with payments after the age of its features and before the end of its window, as known now.
select
    installs.install_id,
    sum(cast(events.revenue_amount * cast(rates.final_rate as decimal(24, 12)) as {{ type_money() }})) as revenue,
    count(*) filter (where events.revenue_amount <> 0 and rates.final_rate is null) as missing_count,
    max(events.known_on) as known_on
from {{ ref('int_installs_reached') }} as installs
inner join {{ ref('stg_installs__install_events') }} as events on installs.install_id = events.install_id
left join {{ ref('int_exchange_rates_daily') }} as rates
    on events.currency_code = rates.currency_code and events.happened_on = rates.date_day
where events.revenue_amount <> 0
    and events.happened_at >= installs.reached_at and events.happened_at < installs.ends_at
    and events.known_on <= {{ as_of_date() }}
    and (events.deleted_on is null or events.deleted_on > {{ as_of_date() }})
group by installs.install_id
