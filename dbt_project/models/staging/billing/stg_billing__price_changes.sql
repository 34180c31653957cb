-- Grain: one row per change of one field of a price.
-- Keys are ids.
{%- set amounts = ['unit_amount'] -%}
{%- set bounds = term_bounds(['billing_period_count']) -%}
{%- set flags = ['is_tax_inclusive', 'is_active'] %}
with typed as (
    select
        *,
        {{ is_readable_field(
            'field_name', 'new_value', amounts=amounts, flags=flags, bounds=bounds, words=term_words()
        ) }} as is_readable,
        {{ is_readable_field(
            'field_name', 'old_value', amounts=amounts, flags=flags, bounds=bounds, words=term_words()
        ) }} as is_old_readable
    from {{ source('raw', 'price_changes') }}
)

select
    {{ source_key('source_id') }} as change_id,
    {{ source_key('price_source_id') }} as price_id,
    field_name,
    {%- for value, test in [('old_value', 'is_old_readable'), ('new_value', 'is_readable')] %}
    case
        when not {{ test }} then null
        when field_name in ('plan', 'product') then {{ source_key(value) }}
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
