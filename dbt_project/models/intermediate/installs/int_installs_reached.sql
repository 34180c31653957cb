-- Grain: one row per install that had reached the age its features are taken at, by the as-of date.
with installs as (
    select
        *,
        {{ add_hours('installed_at', 24 * install_days('feature')) }} as reached_at,
        {{ add_hours('installed_at', 24 * install_days('window')) }} as ends_at
    from {{ ref('stg_installs__installs') }}
    where deleted_on is null or deleted_on > {{ as_of_date() }}
),

dated as (
    select
        *,
        {{ local_date('installed_at') }} as installed_on,
        -- At the end of this day the features are taken: later than the age where the install was told later.
        greatest({{ local_date('reached_at') }}, known_on) as reached_on,
        greatest({{ local_date('ends_at') }}, known_on) as ends_on
    from installs
),

coverage as (
    select
        source_name,
        min(case when kind = 'events' then known_on end) as events_from_on,
        min(case when kind = 'ads' then known_on end) as ads_from_on
    from (
        select source_name, 'events' as kind, known_on from {{ ref('stg_installs__install_events') }}
        union all
        select source_name, 'ads' as kind, known_on from {{ ref('stg_installs__install_ad_revenues') }}
    ) as told
    group by source_name
)

select
    dated.install_id,
    dated.source_name,
    dated.customer_key,
    dated.app_name,
    dated.country_code,
    dated.region_code,
    dated.install_source,
    dated.campaign_name,
    dated.platform,
    dated.device_family,
    dated.os_version,
    dated.os_version_number,
    dated.installed_at,
    dated.reached_at,
    dated.ends_at,
    dated.installed_on,
    dated.reached_on,
    dated.ends_on,
    {{ iso_weekday('dated.installed_on') }} as install_weekday,
    {{ local_hour('dated.installed_at') }} as install_hour,
    coalesce(coverage.events_from_on <= dated.reached_on, false) as has_events,
    coalesce(coverage.ads_from_on <= dated.reached_on, false) as has_ads
from dated
left join coverage on dated.source_name = coverage.source_name
where dated.reached_on <= {{ as_of_date() }}
