-- Grain: one row per change of one field of a payment.
{%- set amounts = ['amount', 'fee_amount'] -%}
{%- set dates = ['settled_on'] %}
with typed as (
    select
        *,
        {{ is_readable_field('field_name', 'new_value', amounts, dates=dates) }} as is_readable,
        {{ is_readable_field('field_name', 'old_value', amounts, dates=dates) }} as is_old_readable
    from {{ source('raw', 'payment_changes') }}
)

select
    {{ source_key('source_id') }} as change_id,
    {{ source_key('payment_source_id') }} as payment_id,
    field_name,
    {%- for value, test in [('old_value', 'is_old_readable'), ('new_value', 'is_readable')] %}
    case
        when not {{ test }} then null
        when field_name in ('billing_customer', 'invoice') then {{ source_key(value) }}
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
