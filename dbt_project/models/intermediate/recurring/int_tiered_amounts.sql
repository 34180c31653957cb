-- Grain: one row per tiered or volume price, and quantity that an item has of it: what that costs per billing period.
-- Tiered: each unit costs what its own step says; volume: all units cost what the step of the whole quantity says.
-- Steps may count units from 0 or from 1. What lies beyond the last step is charged like the last step, what lies
-- before the first like the first. A step's flat amount is due as soon as the step is reached.
with wanted as (
    select distinct states.price_id, states.quantity
    from {{ ref('int_subscription_item_states') }} as states
    where states.price_id in (
        select price_id from {{ ref('int_price_spans') }} where charge_model in ('tiered', 'volume')
    )
),

tiers as (
    select
        price_id,
        from_quantity,
        coalesce(unit_amount, 0) as unit_amount,
        coalesce(flat_amount, 0) as flat_amount,
        min(from_quantity) over (partition by price_id) as first_quantity,
        lead(from_quantity) over (partition by price_id order by from_quantity) as next_quantity,
        row_number() over (partition by price_id order by from_quantity) = 1 as is_first
    from {{ ref('stg_billing__price_tiers') }}
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})
),

reached as (
    select
        wanted.price_id,
        wanted.quantity,
        tiers.unit_amount,
        tiers.flat_amount,
        least(wanted.quantity + tiers.first_quantity, tiers.next_quantity) - tiers.from_quantity as step_quantity,
        wanted.quantity > 0
            and (wanted.quantity >= tiers.from_quantity or tiers.is_first)
            and (tiers.next_quantity is null or wanted.quantity < tiers.next_quantity) as is_step_of_all
    from wanted
    inner join tiers on wanted.price_id = tiers.price_id
)

select
    price_id,
    quantity,
    coalesce(sum(step_quantity * unit_amount + flat_amount) filter (where step_quantity > 0), 0) as tiered_amount,
    coalesce(sum(quantity * unit_amount + flat_amount) filter (where is_step_of_all), 0) as volume_amount
from reached
group by price_id, quantity
