-- Grain: one row per customer and as-of date on which it was known.
-- Null where no source covers the customer in that kind of thing; 0 where one does and there was nothing.
-- By day, as training and scoring read it; by day and customer, as one prediction does.
{{ config(indexes=[{'columns': ['as_of_date', 'customer_id']}] if target.type == 'postgres' else []) }}
{%- set joined = {
    'orders': 'int_customer_orders_counted', 'order_days': 'int_customer_order_days',
    'categories': 'int_customer_categories', 'activities': 'int_customer_activities_counted',
    'functions': 'int_customer_functions_used',
    'plans': 'int_customer_plans', 'subscriptions': 'int_customer_subscriptions_counted',
    'payments': 'int_customer_payments_counted', 'tickets': 'int_customer_tickets_counted',
} %}
{%- set numbers = {} %}
{%- do numbers.update(customer_order_features()) %}
{%- do numbers.update(customer_activity_features()) %}
{%- do numbers.update(customer_billing_features()) %}
{%- set since_on = 'coalesce(customers.created_on, least(customers.first_known_on, order_days.first_order_on))' %}

select
    customers.customer_id,
    customers.as_of_date,
    customers.account_id,
    customers.owner_id,
    customers.team_path,
    customers.segment_id,
    customers.source_name,
    coalesce(plans.currency_code, orders.currency_code, customers.currency_code) as currency_code,
    {{ since_on }} as customer_since_on,
    customers.first_known_on,
    customers.region,
    customers.country_code,
    customers.account_segment,
    customers.industry,
    plans.plan,
    customers.lead_source,
    case when customers.has_orders then coalesce(order_days.behaviour_type, 'new') end as behaviour_type,
    cast({{ days_between(since_on, 'customers.as_of_date') }} as {{ type_double() }}) as tenure_days,
    {%- for name, expression in numbers.items() %}
    cast({{ expression }} as {{ type_double() }}) as {{ name }},
    {%- endfor %}
    customers.month_sin,
    customers.month_cos
from {{ ref('int_customers_as_of') }} as customers
{%- for name, model in joined.items() %}
left join {{ ref(model) }} as {{ name }}
    on customers.customer_id = {{ name }}.customer_id and customers.as_of_date = {{ name }}.as_of_date
{%- endfor %}
