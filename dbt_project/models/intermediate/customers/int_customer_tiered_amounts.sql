-- Grain: one row per tiered or volume price, quantity and day measured: what that costs per billing period.
-- As int_tiered_amounts, from the steps known on the day.
with days as (
    select as_of_date as measured_on from {{ ref('int_customer_as_of_dates') }}
    union
    select {{ add_days('as_of_date', -90) }} as measured_on from {{ ref('int_customer_as_of_dates') }}
),

wanted as (
    select distinct items.price_id, coalesce(items.quantity, 1) as quantity, days.measured_on
    from days
    inner join {{ ref('int_customer_item_states') }} as items on {{ valid_on('items', 'days.measured_on') }}
    where items.price_id in (
        select price_id from {{ ref('int_customer_price_states') }} where charge_model in ('tiered', 'volume')
    )
),

tiers as (
    select
        days.measured_on,
        steps.price_id,
        steps.from_quantity,
        coalesce(steps.unit_amount, 0) as unit_amount,
        coalesce(steps.flat_amount, 0) as flat_amount,
        min(steps.from_quantity) over (partition by days.measured_on, steps.price_id) as first_quantity,
        lead(steps.from_quantity) over passed as next_quantity,
        row_number() over passed = 1 as is_first
    from days
    inner join {{ ref('stg_billing__price_tiers') }} as steps
        on steps.known_on <= days.measured_on
        and (steps.deleted_on is null or steps.deleted_on > days.measured_on)
    window passed as (partition by days.measured_on, steps.price_id order by steps.from_quantity)
),

reached as (
    select
        wanted.*,
        tiers.unit_amount,
        tiers.flat_amount,
        least(wanted.quantity + tiers.first_quantity, tiers.next_quantity) - tiers.from_quantity as step_quantity,
        wanted.quantity > 0
            and (wanted.quantity >= tiers.from_quantity or tiers.is_first)
            and (tiers.next_quantity is null or wanted.quantity < tiers.next_quantity) as is_step_of_all
    from wanted
    inner join tiers on wanted.price_id = tiers.price_id and wanted.measured_on = tiers.measured_on
)

select
    price_id,
    quantity,
    measured_on,
    coalesce(sum(step_quantity * unit_amount + flat_amount) filter (where step_quantity > 0), 0) as tiered_amount,
    coalesce(sum(quantity * unit_amount + flat_amount) filter (where is_step_of_all), 0) as volume_amount
from reached
group by price_id, quantity, measured_on
