-- Grain: one row per known payment and day on which its status changed.
-- Amount, currency, payer and the day the money arrived are as known last.
with shown as (
    select
        payment_id,
        status,
        customer_key as billing_customer,
        invoice_id as invoice,
        currency_code,
        cast(amount as {{ dbt.type_string() }}) as amount,
        cast(settled_on as {{ dbt.type_string() }}) as settled_on,
        occurred_on,
        known_on as row_known_on
    from {{ ref('stg_invoicing__payments') }}
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})
),

changes as (
    select * from {{ ref('stg_invoicing__payment_changes') }} where is_readable
),

states as (
    {{ tracked_spans('changes', 'shown', 'payment_id', [
        'status', 'billing_customer', 'invoice', 'currency_code', 'amount', 'settled_on',
    ]) }}
)

select
    states.payment_id,
    states.valid_from_on,
    states.valid_to_on,
    coalesce(greatest(states.known_on, shown.row_known_on), shown.row_known_on) as known_on,
    states.status,
    latest.billing_customer as customer_key,
    latest.invoice as named_invoice_id,
    latest.currency_code,
    cast(latest.amount as {{ type_money() }}) as amount,
    cast(latest.settled_on as date) as settled_on,
    shown.occurred_on
from states
inner join states as latest
    on states.payment_id = latest.payment_id and latest.valid_to_on = {{ end_of_time() }}
inner join shown on states.payment_id = shown.payment_id
