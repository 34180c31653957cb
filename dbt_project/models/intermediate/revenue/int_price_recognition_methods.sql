-- Grain: one row per price with a recognition method, as known last.
with changes as (
    select
        price_id,
        new_value as recognition_method,
        row_number() over (partition by price_id order by occurred_at desc, known_at desc, change_id desc) as recency
    from {{ ref('stg_billing__price_changes') }}
    where field_name = 'recognition_method' and is_readable and known_on <= {{ as_of_date() }}
),

latest as (
    select
        prices.price_id,
        case when changes.price_id is null then prices.recognition_method else changes.recognition_method end
            as recognition_method
    from {{ ref('stg_billing__prices') }} as prices
    left join changes on prices.price_id = changes.price_id and changes.recency = 1
    where prices.known_on <= {{ as_of_date() }}
        and (prices.deleted_on is null or prices.deleted_on > {{ as_of_date() }})
)

select price_id, recognition_method
from latest
where recognition_method in ('straight_line', 'point_in_time', 'usage', 'milestone')
