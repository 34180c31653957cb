-- Grain: one row per customer and as-of date: payments that failed, came late or are due, as known then.
{%- set counters = ['late_count', 'paid_count', 'days_late'] %}
with histories as (
    select
        *,
        row_number() over (partition by payment_id order by known_at, occurred_at, change_id) as change_number
    from {{ ref('stg_invoicing__payment_changes') }}
    where is_readable and field_name = 'status'
),

failures as (
    -- A payment begins with what its first change replaced; without a history it is what it is shown as.
    select payments.payment_id, payments.occurred_on, payments.known_on, payments.deleted_on
    from {{ ref('stg_invoicing__payments') }} as payments
    left join histories on payments.payment_id = histories.payment_id and histories.change_number = 1
    where case when histories.payment_id is null then payments.status else histories.old_value end = 'failed'
    union all
    select
        payments.payment_id, histories.occurred_on, greatest(histories.known_on, payments.known_on), payments.deleted_on
    from histories
    inner join {{ ref('stg_invoicing__payments') }} as payments on histories.payment_id = payments.payment_id
    where histories.new_value = 'failed'
),

failed as (
    select
        keys.customer_id,
        dates.as_of_date,
        count(*) filter (where failures.occurred_on > {{ add_days('dates.as_of_date', -30) }}) as failed_renewals_30d,
        count(*) as failed_payment_count_365d
    from failures
    inner join {{ ref('int_customer_bills') }} as bills
        on bills.document = 'payment' and failures.payment_id = bills.document_id
    inner join {{ ref('int_customer_keys') }} as keys
        on keys.entity = 'billing_customer' and bills.customer_key = keys.entity_key
    inner join {{ ref('int_customer_as_of_dates') }} as dates
        on failures.known_on <= dates.as_of_date
        and failures.occurred_on > {{ add_days('dates.as_of_date', -365) }}
        and (failures.deleted_on is null or failures.deleted_on > dates.as_of_date)
    group by keys.customer_id, dates.as_of_date
),

by_currency as (
    select
        events.payer_id as customer_id,
        dates.as_of_date,
        events.currency_code,
        {%- for name in counters %}
        sum({{ name }}) filter (where events.event_on > {{ add_days('dates.as_of_date', -365) }}) as {{ name }},
        {%- endfor %}
        sum(overdue_count) as overdue_count,
        sum(overdue_amount) as overdue_amount
    from {{ ref('int_customer_payment_events') }} as events
    inner join {{ ref('int_customer_as_of_dates') }} as dates on events.event_on <= dates.as_of_date
    group by events.payer_id, dates.as_of_date, events.currency_code
),

due as (
    select
        by_currency.customer_id,
        by_currency.as_of_date,
        {%- for name in counters + ['overdue_count'] %}
        coalesce(sum({{ name }}), 0) as {{ name }},
        {%- endfor %}
        case
            when count(*) filter (where by_currency.overdue_amount <> 0 and rates.known_rate is null) = 0
                then coalesce(sum({{ to_reporting('by_currency.overdue_amount', 'rates.known_rate') }}), 0)
        end as overdue_amount,
        count(*) filter (where by_currency.overdue_amount <> 0 and rates.known_rate is null) as currency_without_rate_count
    from by_currency
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on by_currency.currency_code = rates.currency_code and by_currency.as_of_date = rates.date_day
    group by by_currency.customer_id, by_currency.as_of_date
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
from due
full outer join failed on due.customer_id = failed.customer_id and due.as_of_date = failed.as_of_date
