-- Grain: one row per change of one field of an invoice.
-- Keys are ids, and voided_at is a day of the reporting time zone, as in stg_invoicing__invoices.
{%- set amounts = ['subtotal_amount', 'tax_amount', 'total_amount'] -%}
{%- set dates = ['issued_on', 'due_on', 'settled_on'] -%}
{%- set instants = ['voided_at'] -%}
{%- set flags = ['is_disputed', 'is_reverse_charge'] %}
with typed as (
    select
        *,
        {{ is_readable_field('field_name', 'new_value', amounts, [], dates, instants, flags) }} as is_readable,
        {{ is_readable_field('field_name', 'old_value', amounts, [], dates, instants, flags) }} as is_old_readable
    from {{ source('raw', 'invoice_changes') }}
)

select
    {{ source_key('source_id') }} as change_id,
    {{ source_key('invoice_source_id') }} as invoice_id,
    field_name,
    {%- for value, test in [('old_value', 'is_old_readable'), ('new_value', 'is_readable')] %}
    case
        when not {{ test }} then null
        when field_name in ('billing_customer', 'subscription') then {{ source_key(value) }}
        when field_name = 'voided_at'
            then cast({{ local_date('cast(' ~ value ~ ' as ' ~ type_instant() ~ ')') }} as {{ dbt.type_string() }})
        else {{ value }}
    end as {{ value }},
    {%- endfor %}
    coalesce(occurred_at, recorded_at, loaded_at) as occurred_at,
    coalesce(recorded_at, occurred_at, loaded_at) as known_at,
    {{ local_date('coalesce(occurred_at, recorded_at, loaded_at)') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    occurred_at is not null as is_dated,
    is_readable
from typed
