-- Grain: one row per event in the life of a customer's invoice, on the day it was known, with what it changes.
-- Running sums over a customer's events are its history of payment on any day (int_invoice_payment_histories).
{%- set counters = [
    'invoice_count', 'paid_count', 'late_count', 'days_late', 'days_to_pay', 'written_off_count', 'disputed_count',
    'open_count', 'overdue_count', 'open_amount', 'overdue_amount',
] -%}
{%- set open_from = 'greatest(balances.known_from_on, settled.issued_on)' -%}
{%- set overdue_from = 'greatest(' ~ open_from ~ ', ' ~ add_days('settled.due_on', 1) ~ ')' -%}
{%- set to = 'balances.known_to_on' -%}
{%- set amount = 'balances.balance_amount' -%}
{#- event, its day, condition, what it changes -#}
{%- set invoice_events = [
    ('issued', 'settled.issue_known_on', 'true', {'invoice_count': 1}),
    ('paid', 'settled.settled_known_on', "settled.outcome = 'paid'", {
        'paid_count': 1, 'days_to_pay': 'settled.days_to_settle',
        'late_count': 'case when settled.days_past_due > 0 then 1 else 0 end',
        'days_late': 'greatest(settled.days_past_due, 0)',
    }),
    ('written off', 'settled.settled_known_on', "settled.outcome = 'written off'", {'written_off_count': 1}),
] -%}
{%- set balance_events = [
    ('opened', open_from, 'true', {'open_count': 1, 'open_amount': amount}),
    ('closed', to, 'true', {'open_count': -1, 'open_amount': '-' ~ amount}),
    ('overdue', overdue_from, overdue_from ~ ' < ' ~ to, {'overdue_count': 1, 'overdue_amount': amount}),
    ('overdue no more', to, overdue_from ~ ' < ' ~ to, {'overdue_count': -1, 'overdue_amount': '-' ~ amount}),
] %}
with settled as (
    -- Invoices whose customer is not known have nothing in common.
    select *, coalesce(customer_id, 'invoice ' || invoice_id) as payer_id
    from {{ ref('int_invoice_settlements') }}
),

disputes as (
    -- A dispute is known from its change; an invoice merely seen as disputed does not tell since when.
    select invoice_id, min(greatest(valid_from_on, known_on)) as disputed_known_on
    from {{ ref('int_receivable_invoice_spans') }}
    where is_disputed and valid_from_on > cast('0001-01-01' as date)
    group by invoice_id
),

balances as (
    select * from {{ ref('int_invoice_known_balances') }} where balance_amount > 0
)

{% for event, day, condition, changed in invoice_events %}
select
    settled.payer_id, settled.invoice_id, settled.currency_code, '{{ event }}' as event, {{ day }} as event_on,
    {%- for name in counters %}
    {{ changed.get(name, 0) }} as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from settled
where {{ condition }}

union all
{% endfor %}
{%- for event, day, condition, changed in balance_events %}
select
    settled.payer_id, settled.invoice_id, settled.currency_code, '{{ event }}' as event, {{ day }} as event_on,
    {%- for name in counters %}
    {{ changed.get(name, 0) }} as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from settled
inner join balances on settled.invoice_id = balances.invoice_id and {{ open_from }} < {{ to }}
where {{ condition }}

union all
{% endfor %}
select
    settled.payer_id, settled.invoice_id, settled.currency_code, 'disputed' as event,
    disputes.disputed_known_on as event_on,
    {%- for name in counters %}
    {{ 1 if name == 'disputed_count' else 0 }} as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from settled
inner join disputes on settled.invoice_id = disputes.invoice_id
