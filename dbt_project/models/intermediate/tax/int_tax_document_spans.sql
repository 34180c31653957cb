-- Grain: one row per known invoice or supplier bill and day on which its tax or place changed.
-- Validity is exclusive at its end; the first span begins with time itself.
{%- set kinds = {
    'invoice': ('stg_invoicing__invoices', 'stg_invoicing__invoice_changes', 'invoice_id'),
    'supplier_bill': ('stg_invoicing__supplier_bills', 'stg_invoicing__supplier_bill_changes', 'supplier_bill_id'),
} -%}
{%- set amounts = ['subtotal_amount', 'tax_amount', 'total_amount'] %}
with shown as (
    {%- for kind, (documents, changes, key) in kinds.items() %}
    select
        '{{ kind }} ' || {{ key }} as document_key,
        '{{ kind }}' as document_kind,
        {{ key }} as document_id,
        {%- for amount in amounts %}
        cast({{ amount }} as {{ dbt.type_string() }}) as {{ amount }},
        {%- endfor %}
        country_code,
        region_code,
        cast(is_reverse_charge as {{ dbt.type_string() }}) as is_reverse_charge
    from {{ ref(documents) }}
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

changes as (
    {%- for kind, (documents, changes, key) in kinds.items() %}
    select
        '{{ kind }} ' || {{ key }} as document_key,
        change_id, field_name, old_value, new_value, occurred_at, known_at, occurred_on, known_on
    from {{ ref(changes) }}
    where is_readable
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

states as (
    {{ tracked_spans('changes', 'shown', 'document_key', [
        'subtotal_amount', 'tax_amount', 'total_amount', 'country_code', 'region_code', 'is_reverse_charge',
    ]) }}
)

select
    shown.document_kind,
    shown.document_id,
    states.valid_from_on,
    states.valid_to_on,
    cast(coalesce(
        cast(states.tax_amount as {{ type_money() }}),
        cast(states.total_amount as {{ type_money() }}) - cast(states.subtotal_amount as {{ type_money() }})
    ) as {{ type_money() }}) as tax_amount,
    upper(states.country_code) as country_code,
    upper(states.region_code) as region_code,
    states.is_reverse_charge = 'true' as is_reverse_charge
from states
inner join shown on states.document_key = shown.document_key
