-- Grain: one row per receivable: what was known of its customer's payments before the day it was issued.
-- Events change counters on the day they were known; an invoice sees the counters of its customer at the beginning of
-- its day, so neither itself nor anything learnt later. Amounts are those in the invoice's own currency.
{%- set counters = [
    'invoice_count', 'paid_count', 'late_count', 'days_late', 'days_to_pay', 'written_off_count', 'disputed_count',
    'open_count', 'overdue_count', 'open_amount', 'overdue_amount',
] %}
with settled as (
    select *, coalesce(customer_id, 'invoice ' || invoice_id) as payer_id
    from {{ ref('int_invoice_settlements') }}
),

marked as (
    select
        cast(null as {{ dbt.type_string() }}) as invoice_id, payer_id, currency_code, event_on, 1 as is_event,
        {{ counters | join(', ') }}
    from {{ ref('int_customer_payment_events') }}
    union all
    select
        invoice_id, payer_id, currency_code, issued_on as event_on, 0 as is_event,
        {%- for name in counters %}
        0 as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from settled
),

counted as (
    select
        invoice_id,
        {%- for name in counters %}
        cast(sum({{ name }}) over {{ 'in_currency' if name.endswith('amount') else 'in_all' }} as
            {{- ' ' ~ (type_money() if name.endswith('amount') else type_double()) }}) as {{ name }},
        {%- endfor %}
        max(days_late) over in_all as maximum_days_late,
        max(case when paid_count > 0 then event_on end) over in_all as latest_payment_on
    from marked
    window
        in_all as (partition by payer_id order by event_on, is_event),
        in_currency as (partition by payer_id, currency_code order by event_on, is_event)
)

select
    settled.invoice_id,
    settled.customer_id,
    settled.issued_on as as_of_date,
    settled.currency_code,
    settled.total_amount,
    {{ days_between('settled.issued_on', 'settled.due_on') }} as payment_terms_days,
    counted.invoice_count as earlier_invoice_count,
    counted.paid_count as earlier_paid_count,
    counted.late_count as earlier_late_count,
    {{ ratio('counted.late_count', 'counted.paid_count') }} as earlier_late_rate,
    {{ ratio('counted.days_late', 'counted.paid_count') }} as average_days_late,
    case when counted.paid_count > 0 then counted.maximum_days_late end as maximum_days_late,
    {{ ratio('counted.days_to_pay', 'counted.paid_count') }} as average_days_to_pay,
    counted.written_off_count as earlier_written_off_count,
    counted.disputed_count as earlier_disputed_count,
    counted.open_count as open_invoice_count,
    counted.overdue_count as overdue_invoice_count,
    counted.open_amount,
    counted.overdue_amount,
    {{ days_between('counted.latest_payment_on', 'settled.issued_on') }} as days_since_latest_payment
from settled
inner join counted on settled.invoice_id = counted.invoice_id
