-- Grain: one row per customer, month, movement and reason, in the reporting currency.
-- Movements count at the month's opening rate, new and returned customers at its closing rate; what is left to the
-- closing amount is fx. Amounts without a rate count as 0: fx has the reason missing_rate where a rate is missing at
-- one end. The opening amount and the movements add up to the closing amount.
{{ keep_by_customer('customer_id') }}

with parts as (
    select
        customer_id,
        currency_code,
        period_start_on as month_start_on,
        movement,
        reason,
        part_reporting_amount as amount
    from {{ ref('int_mrr_parts') }}
    where period = 'month' and {{ is_changed('customer_id') }}
),

reasons as (
    select
        customer_id,
        month_start_on,
        movement as customer_movement,
        reason,
        sum(amount) as amount,
        sum(sum(amount)) over (partition by customer_id, month_start_on) as net_amount
    from parts
    group by customer_id, month_start_on, movement, reason
),

-- Only other currencies than the reporting currency have fx.
foreign_months as (
    select customer_id, currency_code, month_start_on, mrr_amount, mrr_reporting_amount
    from {{ ref('fct_mrr_monthly') }}
    where currency_code <> {{ reporting_currency() }} and {{ is_changed('customer_id') }}
),

foreign_balances as (
    select
        customer_id,
        currency_code,
        month_start_on,
        coalesce(mrr_reporting_amount, 0) as amount,
        mrr_reporting_amount is null as is_missing
    from foreign_months

    union all

    -- The same amount opens the next month.
    select
        foreign_months.customer_id,
        foreign_months.currency_code,
        months.month_start_on,
        -coalesce(foreign_months.mrr_reporting_amount, 0) as amount,
        foreign_months.mrr_reporting_amount is null as is_missing
    from foreign_months
    inner join {{ ref('int_mrr_months') }} as months
        on months.month_start_on = cast({{ dbt.dateadd('month', 1, 'foreign_months.month_start_on') }} as date)

    union all

    select customer_id, currency_code, month_start_on, -amount as amount, false as is_missing
    from parts
    where currency_code <> {{ reporting_currency() }}
),

fx as (
    select
        customer_id,
        currency_code,
        month_start_on,
        case when bool_or(is_missing) then 'missing_rate' else 'rate' end as reason,
        sum(amount) as amount
    from foreign_balances
    group by customer_id, currency_code, month_start_on
)

select
    customer_id,
    month_start_on,
    case
        when customer_movement <> 'change' then customer_movement
        when net_amount > 0 then 'expansion'
        else 'contraction'
    end as movement,
    reason,
    cast(amount as {{ type_money() }}) as movement_reporting_amount
from reasons
where amount <> 0 and (net_amount <> 0 or customer_movement <> 'change')

union all

select
    customer_id,
    month_start_on,
    'fx' as movement,
    reason,
    cast(sum(amount) as {{ type_money() }}) as movement_reporting_amount
from fx
group by customer_id, month_start_on, reason
having sum(amount) <> 0
