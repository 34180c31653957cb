-- Grain: one row per customer, period, currency, plan and reason: a part of the change of recurring revenue.
-- The parts of a line add up to its change, in its own currency and in the reporting currency. There the change is
-- measured at the rate of the opening; when a customer begins or returns, and where that rate is missing, at that of
-- the closing.
{{ keep_by_customer('customer_id', indexed_by=['customer_id']) }}

with lines as (
    select
        lines.*,
        classified.movement,
        coalesce(
            classified.reason,
            case
                when lines.opening_gross_amount = 0 and lines.is_opening_on_hold then 'pause'
                when lines.closing_gross_amount = 0 and lines.is_closing_on_hold then 'pause'
                when lines.opening_gross_amount = 0 or lines.closing_gross_amount = 0 then 'plan'
            end
        ) as whole_reason,
        lines.closing_amount - lines.opening_amount as change_amount,
        case
            when classified.movement = 'churn' or (classified.movement = 'change' and lines.has_opening_rate)
                then lines.closing_amount_at_opening_rate - lines.opening_amount_at_opening_rate
            else lines.closing_amount_at_closing_rate - lines.opening_amount_at_closing_rate
        end as change_reporting_amount
    from {{ ref('int_mrr_lines') }} as lines
    inner join {{ ref('int_mrr_customers_classified') }} as classified
        on lines.customer_id = classified.customer_id and lines.period = classified.period
        and lines.period_start_on = classified.period_start_on
        and lines.currency_code = classified.currency_code
    where lines.closing_amount <> lines.opening_amount and {{ is_changed('customer_id', 'lines.customer_id') }}
),

-- First what the discount changes, then of the rest what the quantity does at the price before.
listed as (
    select
        *,
        case
            when opening_discount_terms = closing_discount_terms then change_amount
            when opening_gross_amount = 0 then 0
            else cast(
                (closing_gross_amount - opening_gross_amount) * opening_amount / opening_gross_amount
                as {{ type_money() }}
            )
        end as list_amount
    from lines
),

counted as (
    select
        *,
        case
            when opening_quantity = closing_quantity then 0
            when opening_price_terms = closing_price_terms then list_amount
            when opening_quantity = 0 then 0
            -- Next to no units before: what one was paid at then says nothing.
            when abs((closing_quantity - opening_quantity) * opening_amount / opening_quantity) > {{ yearly_limit() }}
                then list_amount
            else cast(
                (closing_quantity - opening_quantity) * opening_amount / opening_quantity as {{ type_money() }}
            )
        end as seats_amount
    from listed
),

parts as (
    {%- for reason, amount, condition in [
        ('whole_reason', 'change_amount', 'whole_reason is not null'),
        ("'seats'", 'seats_amount', 'whole_reason is null'),
        ("coalesce(stated_reason, 'price')", 'list_amount - seats_amount', 'whole_reason is null'),
        ("'discount'", 'change_amount - list_amount', 'whole_reason is null'),
    ] %}
    {{ 'union all' if not loop.first }}
    select
        customer_id, period, period_start_on, currency_code, plan_key, movement, change_amount,
        change_reporting_amount, {{ reason }} as reason, {{ amount }} as part_amount
    from counted
    where {{ condition }}
    {%- endfor %}
),

summed as (
    select
        customer_id, period, period_start_on, currency_code, plan_key, movement, change_amount,
        change_reporting_amount, reason, sum(part_amount) as part_amount
    from parts
    group by
        customer_id, period, period_start_on, currency_code, plan_key, movement, change_amount,
        change_reporting_amount, reason
    having sum(part_amount) <> 0
),

shared as (
    select
        *,
        cast(change_reporting_amount * part_amount / change_amount as {{ type_money() }}) as rounded_amount,
        row_number() over line_parts as part_number
    from summed
    window line_parts as (
        partition by customer_id, period, period_start_on, currency_code, plan_key
        order by abs(part_amount) desc, reason
    )
)

select
    customer_id, period, period_start_on, currency_code, plan_key, movement, reason,
    cast(part_amount as {{ type_money() }}) as part_amount,
    -- What rounding leaves over goes to the largest part.
    cast(
        rounded_amount + case when part_number = 1
            then change_reporting_amount - sum(rounded_amount) over (
                partition by customer_id, period, period_start_on, currency_code, plan_key
            )
        else 0 end
        as {{ type_money() }}
    ) as part_reporting_amount
from shared
