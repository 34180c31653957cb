-- Grain: one row per action and the customer or deal it is about, with what it is worth in the reporting currency.
-- A party is the account, or the customer where it has none.
{%- set months = var('next_action_months') | int %}
with customers as (
    select
        *,
        case when account_id is not null then 'account' else 'customer' end as party_kind,
        coalesce(account_id, customer_id) as party_id
    from {{ ref('customer_scores') }}
),

overdue as (
    -- Without a rate for one of its amounts nothing is said of a customer's.
    select
        customer_id,
        case when sum(without_rate_count) = 0 then sum(overdue_amount) end as overdue_amount,
        {{ ratio('sum(unpaid_amount)', 'sum(overdue_amount)') }} as unpaid_probability
    from {{ ref('overdue_amounts') }}
    group by customer_id
),

priced as (
    select
        'save' as action, 'customer' as subject_kind, customer_id as subject_id, as_of_date, party_kind, party_id,
        account_id, churn_probability as probability,
        case when plan_value_amount > 0 then plan_value_amount * {{ months }} else value_amount end as base_amount
    from customers
    union all
    select
        'collect' as action, 'customer' as subject_kind, customers.customer_id as subject_id, customers.as_of_date,
        customers.party_kind, customers.party_id, customers.account_id, overdue.unpaid_probability as probability,
        cast(overdue.overdue_amount as {{ type_money() }}) as base_amount
    from customers
    inner join overdue on customers.customer_id = overdue.customer_id
    union all
    select
        'rescue' as action, 'deal' as subject_kind, deal_id as subject_id, as_of_date,
        case when account_id is not null then 'account' else 'deal' end as party_kind,
        coalesce(account_id, deal_id) as party_id, account_id, counted_probability as probability,
        forecast_amount as base_amount
    from {{ ref('at_risk_deals') }}
    union all
    select
        'expand' as action, 'customer' as subject_kind, customer_id as subject_id, as_of_date, party_kind, party_id,
        account_id, expansion_probability as probability, expansion_amount * {{ months }} as base_amount
    from customers
)

select
    action,
    subject_kind,
    subject_id,
    as_of_date,
    party_kind,
    party_id,
    account_id,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(probability as {{ type_double() }}) as probability,
    cast(base_amount as {{ type_money() }}) as base_amount,
    cast(base_amount * probability as {{ type_money() }}) as action_amount
from priced
where cast(base_amount * probability as {{ type_money() }}) > 0
