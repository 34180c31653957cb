-- Grain: one row per segment; (all) is the whole company.
select
    segment_id,
    false as is_total,
    account_segment,
    region,
    industry,
    country_code,
    first_valid_on,
    last_valid_on
from {{ ref('int_segments_listed') }}

union all

-- Deals without an account are in a segment too.
select
    {{ unknown_segment() }} as segment_id,
    false as is_total,
    null as account_segment,
    null as region,
    null as industry,
    null as country_code,
    null as first_valid_on,
    null as last_valid_on
where {{ unknown_segment() }} not in (select segment_id from {{ ref('int_segments_listed') }})

union all

select
    '(all)' as segment_id,
    true as is_total,
    null as account_segment,
    null as region,
    null as industry,
    null as country_code,
    null as first_valid_on,
    null as last_valid_on
