-- Grain: one row per install of a source. Texts in one spelling: `iOS`, `ios` and ` IOS` are one platform.
select
    {{ source_key('source_id') }} as install_id,
    source_name,
    {{ source_key('customer_source_id') }} as customer_key,
    {{ plain_text('app_name') }} as app_name,
    {{ plain_text('app_version') }} as app_version,
    {{ plain_code('country_code') }} as country_code,
    {{ plain_code('region_code') }} as region_code,
    {{ plain_text('install_source') }} as install_source,
    {{ plain_text('campaign_name') }} as campaign_name,
    {{ platform_name('platform') }} as platform,
    {{ plain_text('device_family') }} as device_family,
    {{ plain_text('os_version') }} as os_version,
    {{ version_number('os_version') }} as os_version_number,
    coalesce(occurred_at, recorded_at) as installed_at,
    {{ known_on('coalesce(recorded_at, occurred_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'installs') }}
where coalesce(occurred_at, recorded_at) is not null
