-- Grain: one row per change of one field of a ticket.
-- Keys are ids; when it was solved is a day of the reporting time zone.
with typed as (
    select
        *,
        {{ is_readable_field('field_name', 'new_value', instants=['solved_at']) }} as is_readable,
        {{ is_readable_field('field_name', 'old_value', instants=['solved_at']) }} as is_old_readable
    from {{ source('raw', 'ticket_changes') }}
)

select
    {{ source_key('source_id') }} as change_id,
    {{ source_key('ticket_source_id') }} as ticket_id,
    field_name,
    {%- for value, test in [('old_value', 'is_old_readable'), ('new_value', 'is_readable')] %}
    case
        when not {{ test }} then null
        when field_name in ('customer', 'billing_customer', 'account') then {{ source_key(value) }}
        when field_name = 'solved_at'
            then cast({{ local_date('cast(' ~ value ~ ' as ' ~ type_instant() ~ ')') }} as {{ dbt.type_string() }})
        when field_name = 'status' then lower({{ value }})
        else {{ value }}
    end as {{ value }},
    {%- endfor %}
    coalesce(occurred_at, recorded_at, loaded_at) as occurred_at,
    coalesce(recorded_at, occurred_at, loaded_at) as known_at,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    occurred_at is not null as is_dated,
    is_readable
from typed
