-- Grain: one row per subscription item and day the terms it has changed (validity is exclusive at its end).
-- Terms are what the item, its price and its subscription say together: who pays how much, and from when to when.
-- Yearly amounts are not rounded; what does not recur, and what is billed by usage, has 0.
{{ keep_by_customer('subscription_id') }}

with priced as (
    select
        items.*,
        greatest(items.valid_from_on, coalesce(prices.valid_from_on, items.valid_from_on)) as priced_from_on,
        least(items.valid_to_on, coalesce(prices.valid_to_on, items.valid_to_on)) as priced_to_on,
        prices.plan_id as price_plan_id,
        prices.product_key as price_product_key,
        prices.currency_code as price_currency_code,
        prices.unit_amount as price_unit_amount,
        coalesce(prices.charge_model, 'per_unit') as charge_model,
        coalesce(items.billing_period, prices.billing_period) as period,
        case
            when items.billing_period is not null then coalesce(items.billing_period_count, 1)
            else coalesce(items.billing_period_count, prices.billing_period_count, 1)
        end as period_count
    from {{ ref('int_subscription_item_states') }} as items
    left join {{ ref('int_price_spans') }} as prices
        on items.price_id = prices.price_id
        and prices.valid_from_on < items.valid_to_on and prices.valid_to_on > items.valid_from_on
    where {{ is_changed('subscription_id', 'items.subscription_id') }}
),

charged as (
    select
        priced.*,
        {{ periods_per_year('priced.period') }} as yearly_count,
        case
            when priced.charge_model = 'usage' then 0
            when priced.charge_model = 'flat' then coalesce(priced.unit_amount, priced.price_unit_amount)
            when priced.unit_amount is not null then priced.quantity * priced.unit_amount
            when priced.charge_model = 'tiered' then tiered.tiered_amount
            when priced.charge_model = 'volume' then tiered.volume_amount
            else priced.quantity * priced.price_unit_amount
        end as gross_amount
    from priced
    left join {{ ref('int_tiered_amounts') }} as tiered
        on priced.price_id = tiered.price_id and priced.quantity = tiered.quantity
),

discounted as (
    select
        *,
        -- Nobody can tell what an item without amount or period is worth; what is beyond the limit is no money.
        case
            when period = 'one_time' then gross_amount is not null
            else coalesce(abs(gross_amount * yearly_count / period_count) <= {{ yearly_limit() }}, false)
        end as is_priced,
        -- A discount takes no more than there is.
        case
            when gross_amount > 0 then greatest(gross_amount * (1 - discount_rate) - discount_amount, 0)
            else gross_amount
        end as net_amount
    from charged
)

select
    items.subscription_item_id,
    greatest(items.priced_from_on, subscriptions.valid_from_on) as valid_from_on,
    least(items.priced_to_on, subscriptions.valid_to_on) as valid_to_on,
    items.subscription_id,
    subscriptions.customer_id,
    coalesce(items.currency_code, items.price_currency_code, subscriptions.currency_code, '(none)')
        as currency_code,
    coalesce(items.plan_id, items.price_plan_id) as plan_id,
    coalesce(items.product_key, items.price_product_key) as product_key,
    items.price_id,
    items.charge_model,
    items.period as billing_period,
    cast(items.period_count as decimal(24, 8)) as billing_period_count,
    items.quantity,
    coalesce(items.unit_amount, items.price_unit_amount) as unit_amount,
    items.discount_rate,
    items.discount_amount,
    items.discount_ended_on,
    coalesce(case when items.is_priced then items.gross_amount * items.yearly_count / items.period_count end, 0)
        as gross_yearly_amount,
    coalesce(case when items.is_priced then items.net_amount * items.yearly_count / items.period_count end, 0)
        as net_yearly_amount,
    items.is_priced,
    items.agreed_on,
    greatest(items.starts_on, subscriptions.starts_on) as starts_on,
    least(items.ends_on, subscriptions.ends_on) as ends_on,
    least(items.told_ends_on, subscriptions.told_ends_on) as told_ends_on,
    subscriptions.trial_from_on,
    subscriptions.trial_to_on,
    subscriptions.paused_from_on,
    subscriptions.paused_to_on
from discounted as items
inner join {{ ref('int_subscription_spans') }} as subscriptions
    on items.subscription_id = subscriptions.subscription_id
    and subscriptions.valid_from_on < items.priced_to_on and subscriptions.valid_to_on > items.priced_from_on
