-- Grain: one row per customer and as-of date by which it had a subscription: age, renewal and changes, as known then.
with states as (
    select
        keys.customer_id,
        dates.as_of_date,
        states.subscription_id,
        states.started_on,
        {{ is_subscription_running('states', 'dates.as_of_date') }}
            and states.started_on <= dates.as_of_date as is_running,
        -- The end of the commitment, else of the period that is paid for.
        case
            when states.committed_until_on > dates.as_of_date then states.committed_until_on
            when states.current_period_ended_on > dates.as_of_date then states.current_period_ended_on
        end as renews_on,
        states.cancel_requested_on <= dates.as_of_date
        or (states.ended_on is null and states.cancels_on > dates.as_of_date) as is_cancelling
    from {{ ref('int_customer_subscription_states') }} as states
    inner join {{ ref('int_customer_keys') }} as keys
        on keys.entity = 'billing_customer' and states.customer_key = keys.entity_key
    inner join {{ ref('int_customer_as_of_dates') }} as dates
        on {{ valid_on('states', 'dates.as_of_date') }}
        and (states.deleted_on is null or states.deleted_on > dates.as_of_date)
),

plan_changes as (
    select states.customer_id, states.as_of_date, count(*) as plan_change_count,
        count(*) filter (
            where changes.occurred_on > {{ add_days('states.as_of_date', -90) }}
        ) as plan_change_count_90d
    from states
    inner join {{ ref('stg_billing__subscription_changes') }} as changes
        on states.subscription_id = changes.subscription_id and changes.known_on <= states.as_of_date
    where changes.is_readable and changes.field_name = 'plan' and changes.old_value <> changes.new_value
    group by states.customer_id, states.as_of_date
),

summed as (
    select
        customer_id,
        as_of_date,
        min(case when started_on <= as_of_date then started_on end) as first_started_on,
        min(case when is_running then renews_on end) as renews_on,
        coalesce(bool_or(is_cancelling) filter (where is_running), false) as has_cancellation_pending
    from states
    group by customer_id, as_of_date
)

select
    summed.*,
    coalesce(plan_changes.plan_change_count, 0) as plan_change_count,
    coalesce(plan_changes.plan_change_count_90d, 0) as plan_change_count_90d
from summed
left join plan_changes
    on summed.customer_id = plan_changes.customer_id and summed.as_of_date = plan_changes.as_of_date
