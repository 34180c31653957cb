-- Grain: one row per install that had reached the age of its features (install_feature_days) by the as-of date.
-- Features are as known at the end of reached_on, whatever the as-of date: later data change nothing in a row.
{%- set events = {
    'event_count': 'event_count', 'event_kind_count': 'event_kind_count', 'session_count': 'session_count',
    'progress_count': 'progress_count', 'store_view_count': 'store_count', 'early_purchase_count': 'purchase_count',
    'early_revenue': 'revenue',
} %}
{%- set ads = {'ad_impression_count': 'impression_count', 'ad_revenue': 'revenue'} %}

select
    installs.install_id,
    {{ as_of_date() }} as as_of_date,
    installs.installed_on,
    installs.reached_on,
    installs.source_name,
    coalesce(installs.country_code, 'Unknown') || ' / ' || coalesce(installs.platform, 'Unknown') as segment_id,
    installs.app_name,
    installs.country_code,
    installs.region_code,
    installs.install_source,
    installs.campaign_name,
    installs.platform,
    installs.device_family,
    installs.os_version,
    installs.os_version_number,
    cast(case when installs.customer_key is null then 0 else 1 end as {{ type_double() }}) as is_customer,
    cast(installs.install_weekday as {{ type_double() }}) as install_weekday,
    cast(installs.install_hour as {{ type_double() }}) as install_hour,
    {%- for name, column in events.items() %}
    cast(case
        when events.install_id is not null then events.{{ column }}
        when installs.has_events then 0
    end as {{ type_double() }}) as {{ name }},
    {%- endfor %}
    {%- for name, column in ads.items() %}
    cast(case
        when ads.install_id is not null then ads.{{ column }}
        when installs.has_ads then 0
    end as {{ type_double() }}) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('int_installs_reached') }} as installs
left join {{ ref('int_install_events_counted') }} as events on installs.install_id = events.install_id
left join {{ ref('int_install_ads_counted') }} as ads on installs.install_id = ads.install_id
