-- Grain: one row per change of one field of a billing customer.
-- Keys are ids.
{%- set numbers = ['payment_terms_days'] -%}
{%- set flags = ['is_business', 'is_tax_exempt'] %}
with typed as (
    select
        *,
        {{ is_readable_field('field_name', 'new_value', numbers=numbers, flags=flags) }} as is_readable,
        {{ is_readable_field('field_name', 'old_value', numbers=numbers, flags=flags) }} as is_old_readable
    from {{ source('raw', 'billing_customer_changes') }}
)

select
    {{ source_key('source_id') }} as change_id,
    {{ source_key('billing_customer_source_id') }} as customer_key,
    field_name,
    {%- for value, test in [('old_value', 'is_old_readable'), ('new_value', 'is_readable')] %}
    case
        when not {{ test }} then null
        when field_name in ('account') then {{ source_key(value) }}
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
