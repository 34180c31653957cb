-- Grain: one row per change of one field of a subscription or of one of its items.
-- Keys are ids; what is a time in the source is a day of the reporting time zone.
{%- set amounts = ['unit_amount'] -%}
{%- set bounds = term_bounds(['billing_period_count', 'quantity', 'discount_rate', 'discount_amount']) -%}
{%- set dates = ['discount_ended_on', 'started_on', 'ended_on'] -%}
{%- set instants = [
    'started_at', 'trial_started_at', 'trial_ended_at', 'current_period_started_at', 'current_period_ended_at',
    'committed_until', 'cancel_requested_at', 'cancels_at', 'ended_at', 'paused_at', 'resumes_at',
] -%}
{%- set flags = ['is_auto_renewed'] %}
select
    {{ source_key('source_id') }} as change_id,
    {{ source_key('subscription_source_id') }} as subscription_id,
    {{ source_key('subscription_item_source_id') }} as subscription_item_id,
    field_name,
    {%- for value, test in [('old_value', 'is_old_readable'), ('new_value', 'is_readable')] %}
    case
        when not {{ test }} then null
        when field_name in ('billing_customer', 'deal', 'subscription', 'plan', 'price', 'product')
            then {{ source_key(value) }}
        when field_name in ('{{ instants | join("', '") }}')
            then cast({{ local_date('cast(' ~ value ~ ' as ' ~ type_instant() ~ ')') }} as {{ dbt.type_string() }})
        else {{ value }}
    end as {{ value }},
    {%- endfor %}
    reason,
    is_prorated,
    coalesce(occurred_at, recorded_at, loaded_at) as occurred_at,
    coalesce(recorded_at, occurred_at, loaded_at) as known_at,
    {{ local_date('coalesce(occurred_at, recorded_at, loaded_at)') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at, loaded_at)') }} as known_on,
    occurred_at is not null as is_dated,
    is_readable,
    row_fingerprint
from (
    -- Not named ahead with "with": PostgreSQL finds rows of a few customers by index only in what it can merge.
    select
        *,
        {{ is_readable_field(
            'field_name', 'new_value', amounts=amounts, dates=dates, instants=instants, flags=flags, bounds=bounds,
            words=term_words()
        ) }} as is_readable,
        {{ is_readable_field(
            'field_name', 'old_value', amounts=amounts, dates=dates, instants=instants, flags=flags, bounds=bounds,
            words=term_words()
        ) }} as is_old_readable,
        {{ row_fingerprint('source_row') }} as row_fingerprint
    from {{ source('raw', 'subscription_changes') }} as source_row
) as typed
