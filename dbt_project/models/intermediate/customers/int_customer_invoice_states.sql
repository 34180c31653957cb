-- Grain: one row per invoice and day something else became known of it (validity is exclusive at its end).
-- As known then; int_receivable_invoice_spans tells what was so, however late it was known.
{%- set amounts = ['total_amount', 'subtotal_amount', 'tax_amount'] -%}
{%- set dates = ['issued_on', 'due_on', 'settled_on', 'voided_at'] -%}
{%- set agreed = ['billing_customer', 'currency_code'] + amounts + dates %}
with changes as (
    select * from {{ ref('stg_invoicing__invoice_changes') }} where is_readable
),

shown as (
    select
        invoice_id,
        known_on,
        observed_on,
        customer_key as billing_customer,
        currency_code,
        status,
        {%- for column in amounts + dates %}
        cast({{ column | replace('voided_at', 'voided_on') }} as {{ dbt.type_string() }}) as {{ column }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('stg_invoicing__invoices') }}
),

entities as (
    {{ as_agreed('shown', 'changes', 'invoice_id', agreed, ['status']) }}
),

states as (
    {{ history_states('changes', 'entities', 'invoice_id', agreed + ['status']) }}
),

followed as (
    select
        *,
        coalesce(
            lead(valid_from_on) over (partition by invoice_id order by valid_from_on), {{ end_of_time() }}
        ) as next_from_on
    from states
)

select
    followed.invoice_id,
    followed.valid_from_on,
    least(followed.next_from_on, coalesce(invoices.deleted_on, {{ end_of_time() }})) as valid_to_on,
    followed.billing_customer as customer_key,
    coalesce(followed.currency_code, '(none)') as currency_code,
    followed.status,
    cast(coalesce(
        cast(followed.total_amount as {{ type_money() }}),
        cast(followed.subtotal_amount as {{ type_money() }})
        + coalesce(cast(followed.tax_amount as {{ type_money() }}), 0)
    ) as {{ type_money() }}) as total_amount,
    cast(followed.issued_on as date) as issued_on,
    -- Without a due date an invoice is due when it is issued.
    cast(coalesce(followed.due_on, followed.issued_on) as date) as due_on,
    cast(followed.settled_on as date) as settled_on,
    cast(followed.voided_at as date) as voided_on
from followed
inner join {{ ref('stg_invoicing__invoices') }} as invoices on followed.invoice_id = invoices.invoice_id
where followed.valid_from_on < least(followed.next_from_on, coalesce(invoices.deleted_on, {{ end_of_time() }}))
