-- Grain: one row per customer and as-of date: payments that failed, came late or are due, as known then.
with failures as (
    -- A try that failed at last, or was returned later: the first time that each payment was known to have failed.
    select states.payment_id, coalesce(states.customer_key, bills.customer_key) as customer_key,
        min(states.valid_from_on) as known_on, min(states.occurred_on) as occurred_on
    from {{ ref('int_customer_payment_states') }} as states
    left join {{ ref('int_customer_bills') }} as bills
        on bills.document = 'payment' and states.payment_id = bills.document_id
    where states.status = 'failed'
    group by states.payment_id, coalesce(states.customer_key, bills.customer_key)
),

failed as (
    select
        keys.customer_id,
        dates.as_of_date,
        count(*) filter (where failures.occurred_on > {{ add_days('dates.as_of_date', -30) }}) as failed_renewals_30d,
        count(*) as failed_payment_count_365d
    from failures
    inner join {{ ref('int_customer_keys') }} as keys
        on keys.entity = 'billing_customer' and failures.customer_key = keys.entity_key
    inner join {{ ref('int_customer_as_of_dates') }} as dates
        on failures.known_on <= dates.as_of_date and keys.known_on <= dates.as_of_date
        and failures.occurred_on > {{ add_days('dates.as_of_date', -365) }}
    group by keys.customer_id, dates.as_of_date
)

select
    coalesce(due.customer_id, failed.customer_id) as customer_id,
    coalesce(due.as_of_date, failed.as_of_date) as as_of_date,
    coalesce(failed.failed_renewals_30d, 0) as failed_renewals_30d,
    coalesce(failed.failed_payment_count_365d, 0) as failed_payment_count_365d,
    coalesce(due.late_count, 0) as late_payment_count_365d,
    coalesce(due.paid_count, 0) as paid_invoice_count_365d,
    {{ ratio('due.days_late', 'due.paid_count') }} as average_days_late_365d,
    coalesce(due.overdue_count, 0) as overdue_invoice_count,
    case when due.customer_id is null then 0 else due.overdue_amount end as overdue_amount,
    coalesce(due.currency_without_rate_count, 0) as currency_without_rate_count
from {{ ref('int_customer_invoices_counted') }} as due
full outer join failed on due.customer_id = failed.customer_id and due.as_of_date = failed.as_of_date
