-- Grain: one row per known supplier bill and day on which a field that payables hang on changed.
-- Validity is exclusive at its end; the first span begins with time itself.
with shown as (
    select
        supplier_bill_id,
        status,
        supplier_id as supplier,
        currency_code,
        cast(subtotal_amount as {{ dbt.type_string() }}) as subtotal_amount,
        cast(tax_amount as {{ dbt.type_string() }}) as tax_amount,
        cast(total_amount as {{ dbt.type_string() }}) as total_amount,
        cast(issued_on as {{ dbt.type_string() }}) as issued_on,
        cast(due_on as {{ dbt.type_string() }}) as due_on,
        cast(voided_on as {{ dbt.type_string() }}) as voided_at,
        known_on as row_known_on
    from {{ ref('stg_invoicing__supplier_bills') }}
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})
),

changes as (
    select * from {{ ref('stg_invoicing__supplier_bill_changes') }} where is_readable
),

states as (
    {{ tracked_spans('changes', 'shown', 'supplier_bill_id', [
        'status', 'supplier', 'currency_code', 'subtotal_amount', 'tax_amount', 'total_amount',
        'issued_on', 'due_on', 'voided_at',
    ]) }}
)

select
    states.supplier_bill_id,
    states.valid_from_on,
    states.valid_to_on,
    coalesce(greatest(states.known_on, shown.row_known_on), shown.row_known_on) as known_on,
    states.status,
    states.supplier as supplier_id,
    states.currency_code,
    cast(coalesce(
        cast(states.total_amount as {{ type_money() }}),
        cast(states.subtotal_amount as {{ type_money() }})
        + coalesce(cast(states.tax_amount as {{ type_money() }}), 0)
    ) as {{ type_money() }}) as total_amount,
    cast(states.issued_on as date) as issued_on,
    cast(states.due_on as date) as due_on,
    cast(states.voided_at as date) as voided_on
from states
inner join shown on states.supplier_bill_id = shown.supplier_bill_id
