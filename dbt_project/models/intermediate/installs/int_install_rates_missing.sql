-- Grain: one row per currency and day whose rate features or labels of installs lack.
select
    coalesce(events.currency_code, '(none)') as currency_code,
    events.happened_on as needed_on,
    count(*) as row_count
from {{ ref('int_installs_reached') }} as installs
inner join {{ ref('stg_installs__install_events') }} as events on installs.install_id = events.install_id
left join {{ ref('int_exchange_rates_daily') }} as rates
    on events.currency_code = rates.currency_code and events.happened_on = rates.date_day
where events.revenue_amount <> 0 and rates.final_rate is null
    and events.happened_at < installs.ends_at and events.happened_on <= {{ as_of_date() }}
group by coalesce(events.currency_code, '(none)'), events.happened_on
