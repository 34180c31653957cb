-- Grain: one row per subscription item that runs on a day measured (an as-of date or 90 days before), as known then.
with days as (
    select as_of_date, as_of_date as measured_on from {{ ref('int_customer_as_of_dates') }}
    union all
    select as_of_date, {{ add_days('as_of_date', -90) }} as measured_on from {{ ref('int_customer_as_of_dates') }}
)

select
    days.as_of_date,
    days.measured_on,
    items.subscription_item_id,
    items.subscription_id,
    subscriptions.customer_key,
    coalesce(items.plan_id, prices.plan_id) as plan_id,
    items.price_id,
    coalesce(items.currency_code, prices.currency_code, subscriptions.currency_code, '(none)') as currency_code,
    coalesce(items.quantity, 1) as quantity,
    coalesce(prices.charge_model, 'per_unit') as charge_model,
    items.unit_amount as own_unit_amount,
    prices.unit_amount as price_unit_amount,
    {{ periods_per_year('coalesce(items.billing_period, prices.billing_period)') }} as yearly_count,
    case
        when items.billing_period is not null then coalesce(items.billing_period_count, 1)
        else coalesce(items.billing_period_count, prices.billing_period_count, 1)
    end as period_count,
    case when coalesce(items.discount_ended_on, {{ end_of_time() }}) > days.measured_on
        then coalesce(items.discount_rate, 0) else 0 end as discount_rate,
    case when coalesce(items.discount_ended_on, {{ end_of_time() }}) > days.measured_on
        then coalesce(items.discount_amount, 0) else 0 end as discount_amount,
    coalesce(items.started_on, subscriptions.started_on) as started_on,
    {{ is_subscription_in('trial', 'subscriptions', 'days.measured_on') }} as is_trial,
    {{ is_subscription_in('paused', 'subscriptions', 'days.measured_on') }} as is_paused
from days
inner join {{ ref('int_customer_item_states') }} as items
    on {{ valid_on('items', 'days.measured_on') }}
    and (items.deleted_on is null or items.deleted_on > days.measured_on)
inner join {{ ref('int_customer_subscription_states') }} as subscriptions
    on items.subscription_id = subscriptions.subscription_id
    and {{ valid_on('subscriptions', 'days.measured_on') }}
    and (subscriptions.deleted_on is null or subscriptions.deleted_on > days.measured_on)
left join {{ ref('int_customer_price_states') }} as prices
    on items.price_id = prices.price_id and {{ valid_on('prices', 'days.measured_on') }}
where
    coalesce(items.started_on, subscriptions.started_on) <= days.measured_on
    and subscriptions.started_on <= days.measured_on
    and coalesce(items.ended_on, {{ end_of_time() }}) > days.measured_on
    and {{ is_subscription_running('subscriptions', 'days.measured_on') }}
