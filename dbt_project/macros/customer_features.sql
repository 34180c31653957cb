{#-
  Number features of customers as a mapping of name to expression, over the relations that ftr_customers joins:
  customers (int_customers_as_of) and what was counted of orders, days of purchase, categories, activities,
  functions, plans, subscriptions, payments and tickets.
-#}

{#- 0 where a source covers the customer and there was nothing; null where none does, and where a sum is not known. -#}
{% macro counted_where(covered, relation, column) -%}
case
    when customers.has_{{ covered }}
        then case when {{ relation }}.customer_id is null then 0 else {{ relation }}.{{ column }} end
end
{%- endmacro %}

{% macro flag(condition) -%}case when {{ condition }} then 1 when not ({{ condition }}) then 0 end{%- endmacro %}

{#- How far the last 30 days are above the average month of the last 90: 0 is even, -1 nothing left. -#}
{% macro trend(recent, quarter) -%}{{ ratio('3 * (' ~ recent ~ ')', quarter) }} - 1{%- endmacro %}

{% macro customer_order_features() -%}
{%- set found = {} -%}
{%- for name in [
    'order_count', 'return_count', 'purchase_amount', 'refund_amount', 'order_count_30d', 'order_count_90d',
    'order_count_365d', 'return_count_365d', 'purchase_amount_30d', 'purchase_amount_90d', 'purchase_amount_365d',
    'refund_amount_365d',
] -%}
    {%- do found.update({name: counted_where('orders', 'orders', name)}) -%}
{%- endfor -%}
{%- for days in ['', '_30d', '_90d', '_365d'] -%}
    {%- do found.update({
        'net_revenue' ~ days: 'case when customers.has_orders then case when orders.customer_id is null then 0'
            ~ ' else orders.purchase_amount' ~ days ~ ' - orders.refund_amount' ~ days ~ ' end end'
    }) -%}
{%- endfor -%}
{%- do found.update({
    'order_day_count': counted_where('orders', 'order_days', 'order_day_count'),
    'repeat_day_revenue': counted_where('orders', 'order_days', 'repeat_day_revenue'),
    'average_order_amount': ratio('orders.purchase_amount', 'orders.order_count'),
    'refund_rate': ratio('orders.refund_amount', 'orders.purchase_amount'),
    'revenue_trend': trend(
        'orders.purchase_amount_30d - orders.refund_amount_30d',
        'case when orders.purchase_amount_90d > orders.refund_amount_90d'
        ~ ' then orders.purchase_amount_90d - orders.refund_amount_90d end'),
    'days_since_last_order': days_between('order_days.last_order_on', 'customers.as_of_date'),
    'days_since_first_order': days_between('order_days.first_order_on', 'customers.as_of_date'),
    'days_between_first_and_last_order_day':
        days_between('order_days.first_order_on', 'order_days.last_order_on'),
    'order_interval_mean_days': 'order_days.interval_mean_days',
    'order_interval_std_days': 'order_days.interval_std_days',
    'order_interval_min_days': 'order_days.interval_min_days',
    'order_interval_max_days': 'order_days.interval_max_days',
    'order_interval_cv': 'order_days.interval_cv',
    'order_regularity': ratio(1, '1 + order_days.interval_cv'),
    'order_lateness': ratio(
        days_between('order_days.last_order_on', 'customers.as_of_date'), 'order_days.interval_mean_days'),
    'items_per_order': ratio('orders.unit_count', 'orders.order_count'),
    'category_count': 'case when categories.customer_id is not null then categories.category_count'
        ~ ' when customers.has_orders and coalesce(orders.order_count, 0) = 0 then 0 end',
    'top_category_rate': 'categories.top_category_rate',
    'is_single_order_day': flag('orders.order_count > 1 and order_days.order_day_count = 1'),
    'has_order_before_creation': flag('order_days.first_order_on < customers.created_on'),
}) -%}
{%- for function in ['sin', 'cos'] -%}
    {%- do found.update({
        'preferred_weekday_' ~ function: on_circle(function, 'orders.preferred_weekday - 1', 7),
        'preferred_hour_' ~ function: on_circle(function, 'orders.preferred_hour', 24),
        'last_order_month_' ~ function: on_circle(function, 'extract(month from order_days.last_order_on) - 1', 12),
    }) -%}
{%- endfor -%}
{{ return(found) }}
{%- endmacro %}

{% macro customer_activity_features() -%}
{%- set found = {} -%}
{%- for name in [
    'session_count_30d', 'session_count_90d', 'session_count_365d', 'page_view_count_365d', 'item_view_count_365d',
    'cart_count_365d',
] -%}
    {%- do found.update({name: counted_where('sessions', 'activities', name)}) -%}
{%- endfor -%}
{%- for name in ['activity_7d', 'activity_30d', 'activity_90d', 'active_days_30d', 'active_days_90d'] -%}
    {%- do found.update({name: counted_where('activity', 'activities', name)}) -%}
{%- endfor -%}
{%- for name in ['features_used_30d', 'features_used_90d'] -%}
    {%- do found.update({name: counted_where('usage', 'functions', name)}) -%}
{%- endfor -%}
{%- do found.update({
    'items_per_session_365d': ratio('activities.item_view_count_365d', 'activities.session_count_365d'),
    'cart_abandonment_rate_365d': ratio('activities.abandoned_count_365d', 'activities.cart_count_365d'),
    'revenue_per_session_365d': ratio(
        counted_where('orders', 'orders', 'purchase_amount_365d'), 'activities.session_count_365d'),
    'orders_per_session_365d': ratio(
        counted_where('orders', 'orders', 'order_count_365d'), 'activities.session_count_365d'),
    'pages_per_order_365d': ratio('activities.page_view_count_365d', 'orders.order_count_365d'),
    'days_since_last_session': 'activities.days_since_last_session',
    'time_since_last_use_days': 'activities.time_since_last_use_days',
    'activity_trend': trend('activities.activity_30d', 'activities.activity_90d'),
    'usage_score': ratio('activities.usage_score_sum', 'activities.usage_score_count'),
    'clock_skew_count': 'case when customers.has_orders or customers.has_activity'
        ~ ' then coalesce(orders.early_count, 0) + coalesce(activities.early_count, 0) end',
}) -%}
{{ return(found) }}
{%- endmacro %}

{% macro customer_billing_features() -%}
{%- set found = {} -%}
{%- for name in [
    'plan_value', 'plan_value_change_90d', 'seat_count', 'seat_change_90d', 'subscription_count',
] -%}
    {%- do found.update({name: counted_where('subscriptions', 'plans', name)}) -%}
{%- endfor -%}
{%- for name in ['plan_change_count', 'plan_change_count_90d'] -%}
    {%- do found.update({name: counted_where('subscriptions', 'subscriptions', name)}) -%}
{%- endfor -%}
{%- for name in [
    'failed_renewals_30d', 'failed_payment_count_365d', 'late_payment_count_365d', 'paid_invoice_count_365d',
    'overdue_invoice_count', 'overdue_amount',
] -%}
    {%- do found.update({name: counted_where('payments', 'payments', name)}) -%}
{%- endfor -%}
{%- for name in ['tickets_7d', 'tickets_30d', 'tickets_90d', 'open_ticket_count'] -%}
    {%- do found.update({name: counted_where('tickets', 'tickets', name)}) -%}
{%- endfor -%}
{%- do found.update({
    'discount_rate': 'plans.discount_rate',
    'subscription_age_days': days_between('subscriptions.first_started_on', 'customers.as_of_date'),
    'days_to_renewal': days_between('customers.as_of_date', 'subscriptions.renews_on'),
    'has_cancellation_pending': flag('subscriptions.has_cancellation_pending'),
    'is_in_trial': flag('plans.is_in_trial'),
    'average_days_late_365d': 'payments.average_days_late_365d',
}) -%}
{{ return(found) }}
{%- endmacro %}
