-- Grain: one row per running subscription item and day measured (an as-of date or 90 days before), with its MRR.
-- MRR as fct_mrr_monthly has it, from what was known on the day instead of what is known now.
with charged as (
    select
        running.*,
        case
            when running.charge_model = 'usage' then 0
            when running.charge_model = 'flat' then coalesce(running.own_unit_amount, running.price_unit_amount)
            when running.own_unit_amount is not null then running.quantity * running.own_unit_amount
            when running.charge_model = 'tiered' then tiered.tiered_amount
            when running.charge_model = 'volume' then tiered.volume_amount
            else running.quantity * running.price_unit_amount
        end as gross_amount
    from {{ ref('int_customer_items_running') }} as running
    left join {{ ref('int_customer_tiered_amounts') }} as tiered
        on running.price_id = tiered.price_id and running.quantity = tiered.quantity
        and running.measured_on = tiered.measured_on
),

yearly as (
    select
        *,
        case when is_trial or is_paused then 0
            else coalesce(gross_amount * yearly_count / period_count, 0) end as gross_yearly_amount,
        case
            when is_trial or is_paused then 0
            -- A discount takes no more than there is.
            when gross_amount > 0 then coalesce(
                greatest(gross_amount * (1 - discount_rate) - discount_amount, 0) * yearly_count / period_count, 0
            )
            else coalesce(gross_amount * yearly_count / period_count, 0)
        end as net_yearly_amount
    from charged
)

select
    as_of_date, measured_on, subscription_item_id, subscription_id, customer_key, plan_id, currency_code, quantity,
    started_on, is_trial, yearly_count is not null as is_recurring,
    cast(gross_yearly_amount / 12 as {{ type_money() }}) as gross_mrr_amount,
    cast(net_yearly_amount / 12 as {{ type_money() }}) as mrr_amount
from yearly
