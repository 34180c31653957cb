-- Grain: one row per customer and as-of date by which it had been active: sessions and use, as known then.
{{ config(pre_hook="{{ group_by_sorting() }}") }}
{%- set recent = {} %}
{%- for days in [7, 30, 90, 365] %}
{%- do recent.update({days: 'days.occurred_on > ' ~ add_days('dates.as_of_date', -days)}) %}
{%- endfor %}
{%- set viewed = ['page_view_count', 'item_view_count', 'cart_count', 'abandoned_count'] %}
with counted as (
    -- Nothing is asked of sessions older than a year, nor of use older than a quarter.
    select
        keys.customer_id,
        dates.as_of_date,
        {%- for days in [30, 90, 365] %}
        coalesce(sum(days.session_count) filter (where {{ recent[days] }}), 0) as session_count_{{ days }}d,
        {%- endfor %}
        {%- for name in viewed %}
        sum(days.{{ name }}) as {{ name }}_365d,
        {%- endfor %}
        {%- for days in [7, 30, 90] %}
        coalesce(sum(days.session_count + days.use_count) filter (where {{ recent[days] }}), 0) as activity_{{ days }}d,
        {%- endfor %}
        sum(days.usage_score_sum) filter (where {{ recent[30] }}) as usage_score_sum,
        sum(days.usage_score_count) filter (where {{ recent[30] }}) as usage_score_count
    from {{ ref('int_customer_days') }} as days
    inner join {{ ref('int_customer_keys') }} as keys
        on days.entity = keys.entity and days.entity_key = keys.entity_key
    inner join {{ ref('int_customer_as_of_dates') }} as dates
        on {{ valid_on('days', 'dates.as_of_date') }} and keys.known_on <= dates.as_of_date
        and {{ recent[365] }}
    where {{ recent[90] }} or days.session_count > 0
    group by keys.customer_id, dates.as_of_date
)

select
    latest.customer_id,
    latest.as_of_date,
    {%- for name in ['session_count_30d', 'session_count_90d', 'session_count_365d'] %}
    coalesce(counted.{{ name }}, 0) as {{ name }},
    {%- endfor %}
    {%- for name in viewed %}
    counted.{{ name }}_365d,
    {%- endfor %}
    {%- for name in ['activity_7d', 'activity_30d', 'activity_90d'] %}
    coalesce(counted.{{ name }}, 0) as {{ name }},
    {%- endfor %}
    counted.usage_score_sum,
    counted.usage_score_count,
    {{ days_between('latest.last_session_on', 'latest.as_of_date') }} as days_since_last_session,
    {{ days_between('latest.last_activity_on', 'latest.as_of_date') }} as time_since_last_use_days,
    latest.early_count,
    coalesce(active_days.active_days_30d, 0) as active_days_30d,
    coalesce(active_days.active_days_90d, 0) as active_days_90d
from {{ ref('int_customer_activities_latest') }} as latest
left join counted on latest.customer_id = counted.customer_id and latest.as_of_date = counted.as_of_date
left join {{ ref('int_customer_active_days') }} as active_days
    on latest.customer_id = active_days.customer_id and latest.as_of_date = active_days.as_of_date
