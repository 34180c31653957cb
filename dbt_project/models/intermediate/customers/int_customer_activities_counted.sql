-- Grain: one row per customer and as-of date by which it had been active: sessions and use, as known then.
with dated as (
    select
        keys.customer_id,
        dates.as_of_date,
        {{ days_between('days.occurred_on', 'dates.as_of_date') }} as age_days,
        days.*,
        days.session_count + days.use_count as activity_count
    from {{ ref('int_customer_days') }} as days
    inner join {{ ref('int_customer_keys') }} as keys
        on days.entity = keys.entity and days.entity_key = keys.entity_key
    inner join {{ ref('int_customer_as_of_dates') }} as dates
        on {{ valid_on('days', 'dates.as_of_date') }} and keys.known_on <= dates.as_of_date
),

-- Several keys of a customer, and days told in parts, are one day.
recent_days as (
    select customer_id, as_of_date, age_days
    from dated
    where age_days < 90 and activity_count > 0
    group by customer_id, as_of_date, age_days
),

active_days as (
    select
        customer_id,
        as_of_date,
        count(*) as active_days_90d,
        count(*) filter (where age_days < 30) as active_days_30d
    from recent_days
    group by customer_id, as_of_date
),

counted as (
    select
        customer_id,
        as_of_date,
        {%- for days in [30, 90, 365] %}
        coalesce(sum(session_count) filter (where age_days < {{ days }}), 0) as session_count_{{ days }}d,
        {%- endfor %}
        {%- for name in ['page_view_count', 'item_view_count', 'cart_count', 'abandoned_count'] %}
        sum({{ name }}) filter (where age_days < 365) as {{ name }}_365d,
        {%- endfor %}
        {%- for days in [7, 30, 90] %}
        coalesce(sum(activity_count) filter (where age_days < {{ days }}), 0) as activity_{{ days }}d,
        {%- endfor %}
        sum(usage_score_sum) filter (where age_days < 30) as usage_score_sum,
        sum(usage_score_count) filter (where age_days < 30) as usage_score_count,
        min(case when session_count > 0 then age_days end) as days_since_last_session,
        min(case when activity_count > 0 then age_days end) as time_since_last_use_days,
        sum(early_count) as early_count
    from dated
    group by customer_id, as_of_date
)

select
    counted.*,
    coalesce(active_days.active_days_30d, 0) as active_days_30d,
    coalesce(active_days.active_days_90d, 0) as active_days_90d
from counted
left join active_days
    on counted.customer_id = active_days.customer_id and counted.as_of_date = active_days.as_of_date
