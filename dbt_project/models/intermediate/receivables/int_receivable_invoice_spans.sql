-- Grain: one row per known invoice and day on which a field that receivables hang on changed.
-- Validity is exclusive at its end; the first span begins with time itself.
with shown as (
    select
        invoice_id,
        status,
        customer_key as billing_customer,
        currency_code,
        cast(subtotal_amount as {{ dbt.type_string() }}) as subtotal_amount,
        cast(tax_amount as {{ dbt.type_string() }}) as tax_amount,
        cast(total_amount as {{ dbt.type_string() }}) as total_amount,
        cast(issued_on as {{ dbt.type_string() }}) as issued_on,
        cast(due_on as {{ dbt.type_string() }}) as due_on,
        cast(settled_on as {{ dbt.type_string() }}) as settled_on,
        cast(voided_on as {{ dbt.type_string() }}) as voided_at,
        cast(is_disputed as {{ dbt.type_string() }}) as is_disputed,
        known_on as row_known_on
    from {{ ref('stg_invoicing__invoices') }}
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})
),

changes as (
    select * from {{ ref('stg_invoicing__invoice_changes') }} where is_readable
),

states as (
    {{ tracked_spans('changes', 'shown', 'invoice_id', [
        'status', 'billing_customer', 'currency_code', 'subtotal_amount', 'tax_amount', 'total_amount',
        'issued_on', 'due_on', 'settled_on', 'voided_at', 'is_disputed',
    ]) }}
)

select
    states.invoice_id,
    states.valid_from_on,
    states.valid_to_on,
    coalesce(greatest(states.known_on, shown.row_known_on), shown.row_known_on) as known_on,
    states.status,
    states.billing_customer as customer_key,
    states.currency_code,
    cast(coalesce(
        cast(states.total_amount as {{ type_money() }}),
        cast(states.subtotal_amount as {{ type_money() }})
        + coalesce(cast(states.tax_amount as {{ type_money() }}), 0)
    ) as {{ type_money() }}) as total_amount,
    cast(states.issued_on as date) as issued_on,
    cast(states.due_on as date) as due_on,
    cast(states.settled_on as date) as settled_on,
    cast(states.voided_at as date) as voided_on,
    states.is_disputed = 'true' as is_disputed
from states
inner join shown on states.invoice_id = shown.invoice_id
