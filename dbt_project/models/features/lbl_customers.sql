-- Grain: one row per customer and as-of date of ftr_customers with a label that has matured by the run's as-of date.
-- Labels are what is known now of the days after the as-of date.
{%- set value_days = day_count('customer_value_window_days') %}
{%- set churn_days = day_count('customer_churn_window_days') %}
{%- set quiet_days = day_count('customer_inactivity_days') %}
{%- set growth_days = day_count('customer_expansion_window_days') %}
with customers as (
    select
        customer_id,
        as_of_date,
        has_orders,
        {{ add_days('as_of_date', value_days) }} as value_on,
        {{ add_days('as_of_date', churn_days) }} as churn_on,
        {{ add_days('as_of_date', quiet_days) }} as quiet_on,
        {{ add_days('as_of_date', growth_days) }} as growth_on
    from {{ ref('int_customers_as_of') }}
    where as_of_date < {{ as_of_date() }}
),

orders as (
    select orders.*, rates.final_rate
    from {{ ref('int_customer_orders') }} as orders
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on orders.currency_code = rates.currency_code and orders.ordered_on = rates.date_day
    where {{ valid_on('orders', as_of_date()) }}
),

followed as (
    select
        customers.customer_id,
        customers.as_of_date,
        sum({{ to_reporting('orders.purchase_amount - orders.refund_amount', 'orders.final_rate') }})
            filter (where orders.ordered_on <= customers.value_on) as forward_revenue,
        count(*) filter (
            where orders.ordered_on <= customers.value_on and orders.final_rate is null
                and (orders.purchase_amount <> 0 or orders.refund_amount <> 0)
        ) as missing_count,
        sum(orders.order_count) filter (where orders.ordered_on <= customers.value_on) as forward_order_count,
        count(distinct case when orders.ordered_on <= customers.value_on and orders.order_count > 0
            then orders.ordered_on end) as forward_order_day_count,
        sum(orders.order_count) filter (where orders.ordered_on <= customers.quiet_on) as quiet_order_count,
        max(orders.valid_from_on) filter (where orders.ordered_on <= customers.value_on) as value_known_on,
        max(orders.valid_from_on) filter (where orders.ordered_on <= customers.quiet_on) as quiet_known_on
    from customers
    inner join orders
        on customers.customer_id = orders.customer_id
        and orders.ordered_on > customers.as_of_date
        and orders.ordered_on <= greatest(customers.value_on, customers.quiet_on)
    group by customers.customer_id, customers.as_of_date
),

recurring as (
    select
        customers.customer_id,
        customers.as_of_date,
        sum(spans.mrr_amount) filter (where {{ valid_on('spans', 'customers.as_of_date') }}) as mrr_before,
        coalesce(sum(spans.mrr_amount) filter (where {{ valid_on('spans', 'customers.churn_on') }}), 0) as mrr_after,
        -- Both at the rate of the as-of date: a change of the rate is no growth.
        coalesce(sum({{ to_reporting('spans.mrr_amount', 'rates.final_rate') }})
            filter (where {{ valid_on('spans', 'customers.growth_on') }}), 0)
        - coalesce(sum({{ to_reporting('spans.mrr_amount', 'rates.final_rate') }})
            filter (where {{ valid_on('spans', 'customers.as_of_date') }}), 0) as grown_amount,
        count(*) filter (where spans.mrr_amount <> 0 and rates.final_rate is null) as missing_count
    from customers
    inner join {{ ref('int_subscription_item_spans') }} as spans on customers.customer_id = spans.customer_id
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on spans.currency_code = rates.currency_code and customers.as_of_date = rates.date_day
    where spans.valid_from_on <= greatest(churn_on, growth_on) and spans.valid_to_on > customers.as_of_date
    group by customers.customer_id, customers.as_of_date
),

labelled as (
    select
        customers.*,
        {{ as_of_date() }} >= customers.value_on and customers.has_orders as has_value,
        {{ as_of_date() }} >= customers.churn_on and recurring.mrr_before > 0 as has_churn,
        {{ as_of_date() }} >= customers.quiet_on and bought.order_day_count > 0 as has_quiet,
        {{ as_of_date() }} >= customers.growth_on and recurring.mrr_before > 0 and recurring.missing_count = 0
            as has_growth,
        recurring.mrr_after = 0 as is_without_mrr,
        recurring.grown_amount,
        followed.customer_id is null as has_no_order,
        followed.forward_revenue,
        followed.missing_count,
        followed.forward_order_count,
        followed.forward_order_day_count,
        followed.quiet_order_count,
        greatest(customers.value_on, followed.value_known_on) as value_known_on,
        greatest(customers.quiet_on, followed.quiet_known_on) as quiet_known_on
    from customers
    left join followed
        on customers.customer_id = followed.customer_id and customers.as_of_date = followed.as_of_date
    left join recurring
        on customers.customer_id = recurring.customer_id and customers.as_of_date = recurring.as_of_date
    left join {{ ref('int_customer_order_days') }} as bought
        on customers.customer_id = bought.customer_id and customers.as_of_date = bought.as_of_date
)

select
    customer_id,
    as_of_date,
    cast(case
        when has_value and coalesce(missing_count, 0) = 0 then coalesce(forward_revenue, 0)
    end as {{ type_double() }}) as forward_revenue,
    cast(case when has_value then coalesce(forward_order_count, 0) end as {{ type_double() }}) as forward_order_count,
    cast(case when has_value then coalesce(forward_order_day_count, 0) end as {{ type_double() }})
        as forward_order_day_count,
    case when has_value then value_known_on end as value_known_on,
    case when has_churn then is_without_mrr end as is_churned_contractual,
    case when has_churn then churn_on end as contractual_known_on,
    case when has_quiet then coalesce(quiet_order_count, 0) = 0 end as is_churned_noncontractual,
    case when has_quiet then quiet_known_on end as noncontractual_known_on,
    case when has_growth then grown_amount > 0 end as is_expanded,
    cast(case when has_growth then greatest(grown_amount, 0) end as {{ type_double() }}) as expansion_amount,
    case when has_growth then growth_on end as expansion_known_on
from labelled
where has_value or has_churn or has_quiet or has_growth
