-- Grain: one row per customer and as-of date by which it had a subscription, as known then.
with items as (
    select
        keys.customer_id,
        items.*,
        items.measured_on = items.as_of_date as is_now,
        rates.known_rate
    from {{ ref('int_customer_items_measured') }} as items
    inner join {{ ref('int_customer_keys') }} as keys
        on keys.entity = 'billing_customer' and items.customer_key = keys.entity_key
    -- Both amounts at the rate of the as-of date: a change of the rate is none of the plan.
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on items.currency_code = rates.currency_code and items.as_of_date = rates.date_day
),

ranked as (
    select
        *,
        row_number() over (
            partition by customer_id, as_of_date, is_now
            order by case when plan_id is null then 1 else 0 end, mrr_amount * known_rate desc nulls last, plan_id,
                subscription_item_id
        ) as item_number
    from items
)

select
    customer_id,
    as_of_date,
    count(distinct case when is_now then subscription_id end) as subscription_count,
    max(case when is_now and item_number = 1 then plan_id end) as plan,
    max(case when is_now and item_number = 1 then currency_code end) as currency_code,
    case
        when count(*) filter (where is_now and mrr_amount <> 0 and known_rate is null) = 0
            then coalesce(sum(case when is_now then {{ to_reporting('mrr_amount', 'known_rate') }} end), 0)
    end as plan_value,
    case
        when count(*) filter (where mrr_amount <> 0 and known_rate is null) = 0
            then coalesce(sum(
                case when is_now then 1 else -1 end * {{ to_reporting('mrr_amount', 'known_rate') }}
            ), 0)
    end as plan_value_change_90d,
    coalesce(sum(quantity) filter (where is_now and is_recurring), 0) as seat_count,
    coalesce(sum(case when is_now then quantity else -quantity end) filter (where is_recurring), 0) as seat_change_90d,
    {{ ratio(
        'sum(' ~ to_reporting('gross_mrr_amount - mrr_amount', 'known_rate') ~ ') filter (where is_now)',
        'sum(' ~ to_reporting('gross_mrr_amount', 'known_rate') ~ ') filter (where is_now)'
    ) }} as discount_rate,
    coalesce(bool_or(is_trial) filter (where is_now), false) as is_in_trial,
    count(*) filter (where is_now and mrr_amount <> 0 and known_rate is null) as item_without_rate_count
from ranked
group by customer_id, as_of_date
