-- Grain: one row per customer and as-of date by which it had been active: its last days, as known then.
-- What stays known is read once, at the first as-of date that knows it, and carried to the later ones; only what was
-- deleted again is looked at date by date.
{{ config(pre_hook="{{ group_by_sorting() }}") }}
with days as (
    select
        keys.customer_id,
        dates.as_of_date,
        days.valid_to_on > {{ as_of_date() }} as is_staying,
        max(case when days.session_count > 0 then days.occurred_on end) as session_on,
        max(case when days.session_count + days.use_count > 0 then days.occurred_on end) as activity_on,
        sum(days.early_count) as early_count
    from {{ ref('int_customer_days') }} as days
    inner join {{ ref('int_customer_keys') }} as keys
        on days.entity = keys.entity and days.entity_key = keys.entity_key
    inner join {{ ref('int_customer_as_of_dates') }} as dates
        on dates.as_of_date >= greatest(days.valid_from_on, keys.known_on)
        and case
            when days.valid_to_on > {{ as_of_date() }}
                then dates.previous_date < greatest(days.valid_from_on, keys.known_on)
            else dates.as_of_date < days.valid_to_on
        end
    group by keys.customer_id, dates.as_of_date, days.valid_to_on > {{ as_of_date() }}
),

carried as (
    select
        customer_id,
        as_of_date as valid_from_on,
        case
            when is_staying then coalesce(lead(as_of_date) over passed, {{ end_of_time() }})
            else {{ add_days('as_of_date', 1) }}
        end as valid_to_on,
        case when is_staying then max(session_on) over passed else session_on end as session_on,
        case when is_staying then max(activity_on) over passed else activity_on end as activity_on,
        case when is_staying then sum(early_count) over passed else early_count end as early_count
    from days
    window passed as (partition by customer_id, is_staying order by as_of_date)
)

select
    carried.customer_id,
    dates.as_of_date,
    max(carried.session_on) as last_session_on,
    max(carried.activity_on) as last_activity_on,
    sum(carried.early_count) as early_count
from carried
inner join {{ ref('int_customer_as_of_dates') }} as dates on {{ valid_on('carried', 'dates.as_of_date') }}
group by carried.customer_id, dates.as_of_date
