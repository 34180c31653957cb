-- Grain: one row per report of advertisements of an install of a source.
select
    {{ source_key('source_id') }} as install_ad_revenue_id,
    source_name,
    {{ source_key('install_source_id') }} as install_id,
    revenue_on,
    impression_count,
    revenue_amount,
    {{ plain_code('currency_code') }} as currency_code,
    -- Without a time of its own it is known from the day it is about, as far as anybody can tell.
    greatest(coalesce({{ local_date('coalesce(recorded_at, occurred_at)') }}, revenue_on), revenue_on) as known_on,
    {{ local_date('deleted_at') }} as deleted_on
from {{ source('raw', 'install_ad_revenues') }}
