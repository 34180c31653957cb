-- Grain: one row per install with events before it reached the age of its features, as known then.
with events as (
    select
        installs.install_id,
        events.event_name,
        events.event_count,
        events.revenue_amount,
        cast(events.revenue_amount * cast(rates.known_rate as decimal(24, 12)) as {{ type_money() }}) as revenue,
        events.revenue_amount <> 0 and rates.known_rate is null as is_without_rate
    from {{ ref('int_installs_reached') }} as installs
    inner join {{ ref('stg_installs__install_events') }} as events on installs.install_id = events.install_id
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on events.currency_code = rates.currency_code and installs.reached_on = rates.date_day
    where events.happened_at < installs.reached_at
        and events.known_on <= installs.reached_on
        and (events.deleted_on is null or events.deleted_on > installs.reached_on)
)

select
    install_id,
    sum(event_count) as event_count,
    count(distinct event_name) as event_kind_count,
    {%- for kind in ['session', 'progress', 'store'] %}
    coalesce(sum(event_count) filter (where {{ is_event_of(kind) }}), 0) as {{ kind }}_count,
    {%- endfor %}
    count(*) filter (where revenue_amount > 0) as purchase_count,
    case when count(*) filter (where is_without_rate) = 0 then coalesce(sum(revenue), 0) end as revenue
from events
group by install_id
