-- Grain: one row per deal and event that changed its standing, in the order in which the events were recorded.
-- A deal's state after its last event of a day is that of int_deal_spans on that day. All that was told at the instant
-- a deal began is one event; after it, every event changes one field.
{%- set fields = [
    'currency_code', 'amount', 'expected_close_on', 'forecast_category', 'owner', 'account', 'stage', 'is_deleted',
    'is_merged'
] %}
{%- set states = [
    'status', 'stage_id', 'currency_code', 'amount', 'expected_close_on', 'owner_id', 'account_id', 'segment_id'
] %}

with ranked as (
    select
        *,
        lpad(cast(row_number() over (
            partition by deal_id order by occurred_at nulls first, known_at nulls first, change_id nulls first
        ) as {{ dbt.type_string() }}), 7, '0') as change_rank
    from {{ ref('int_deal_values_told') }}
),

-- Of the values told so far the one that occurred last holds: the greatest '<rank>=<value>'.
carried as (
    select
        deal_id,
        begun_on,
        changed_on,
        changed_at,
        is_beginning,
        field_name,
        {%- for field in fields %}
        nullif(substr(max(case
            when field_name = '{{ field }}' then change_rank || coalesce('=' || value, '')
        end) over told, 9), '') as {{ field }},
        {%- endfor %}
        row_number() over told as told_number,
        lead(is_beginning) over told as is_next_beginning
    from ranked
    window told as (partition by deal_id order by changed_on, changed_at nulls first, field_order, change_rank)
),

described as (
    select
        carried.deal_id,
        carried.begun_on,
        carried.changed_on,
        carried.changed_at,
        carried.told_number,
        case when carried.is_beginning then 'beginning' else carried.field_name end as field_name,
        case
            when carried.is_merged = 'true' then 'merged'
            when carried.is_deleted = 'true' then 'deleted'
            else coalesce(stages.stage_kind, 'open')
        end as status,
        carried.stage as stage_id,
        carried.currency_code,
        cast(carried.amount as {{ type_money() }}) as amount,
        cast(carried.expected_close_on as date) as expected_close_on,
        carried.forecast_category,
        carried.owner as owner_id,
        coalesce(segments.speaking_account_id, carried.account) as account_id,
        coalesce(segments.segment_id, {{ unknown_segment() }}) as segment_id
    from carried
    left join {{ ref('int_stages_identified') }} as stages on carried.stage = stages.stage_id
    left join {{ ref('int_account_segment_spans') }} as segments
        on carried.account = segments.account_id
        and carried.changed_on >= segments.valid_from_on and carried.changed_on < segments.valid_to_on
    where not carried.is_beginning or not coalesce(carried.is_next_beginning, false)
),

compared as (
    select
        described.*,
        {%- for state in states + ['forecast_category'] %}
        lag({{ state }}) over told as previous_{{ state }}{{ ',' if not loop.last }}
        {%- endfor %}
    from described
    window told as (partition by deal_id order by told_number)
)

select
    deal_id,
    told_number as step_number,
    changed_on,
    changed_at,
    field_name,
    field_name = 'beginning' as is_beginning,
    -- What fills an empty field on the first day belongs to the beginning.
    field_name <> 'beginning' and changed_on = begun_on and case field_name
        when 'currency_code' then previous_currency_code is null
        when 'amount' then previous_amount is null
        when 'expected_close_on' then previous_expected_close_on is null
        when 'owner' then previous_owner_id is null
        when 'account' then previous_account_id is null and segment_id <> previous_segment_id
        else false
    end as is_first_value,
    status = 'open' as is_open,
    coalesce(previous_status = 'open', false) as was_open,
    forecast_category,
    {%- for state in states %}
    {{ state }},
    previous_{{ state }}{{ ',' if not loop.last }}
    {%- endfor %}
from compared
where field_name = 'beginning'
    {%- for state in states + ['forecast_category'] %}
    or {{ state }} is distinct from previous_{{ state }}
    {%- endfor %}
