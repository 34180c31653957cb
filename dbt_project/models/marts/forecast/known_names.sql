-- Grain: one row per segment, owner, team and currency that the data know at the as-of date.
with names as (
    select 'segment' as name_kind, segment_id as name from {{ ref('dim_segment') }}
    union all
    select 'owner' as name_kind, owner_id as name
    from {{ ref('int_owner_spans') }}
    where valid_from_on <= {{ as_of_date() }}
    union all
    select 'team' as name_kind, team_path as name
    from {{ ref('int_owner_spans') }}
    where valid_from_on <= {{ as_of_date() }}
    union all
    select 'currency' as name_kind, currency_code as name
    from {{ ref('int_exchange_rates_daily') }}
    where date_day = {{ as_of_date() }} and known_rate is not null
)

select name_kind, name
from names
where name is not null
group by name_kind, name
