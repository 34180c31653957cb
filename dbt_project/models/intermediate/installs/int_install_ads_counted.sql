-- Grain: one row per install with advertisements on the days before it reached the age of its features, as known then.
select
    installs.install_id,
    sum(ads.impression_count) as impression_count,
    case
        when count(*) filter (where ads.revenue_amount <> 0 and rates.known_rate is null) = 0
            then coalesce(sum(cast(ads.revenue_amount as {{ type_double() }}) * rates.known_rate), 0)
    end as revenue
from {{ ref('int_installs_reached') }} as installs
inner join {{ ref('stg_installs__install_ad_revenues') }} as ads on installs.install_id = ads.install_id
left join {{ ref('int_exchange_rates_daily') }} as rates
    on ads.currency_code = rates.currency_code and installs.reached_on = rates.date_day
where ads.revenue_on < {{ add_days('installs.installed_on', install_days('feature')) }}
    and ads.known_on <= installs.reached_on
    and (ads.deleted_on is null or ads.deleted_on > installs.reached_on)
group by installs.install_id
