-- Grain: one row per deal and event that changed what is open, in the order in which the events were recorded.
-- Before the event the open pipeline held previous_amount in previous_currency_code where was_open, after it amount in
-- currency_code where is_open: over any days, opening + changes = closing.
{{ config(indexes=[{'columns': ['changed_on']}] if target.type == 'postgres' else []) }}

with steps as (
    select
        *,
        case
            when is_open and is_beginning then 'created'
            when is_open and not was_open and previous_status in ('won', 'lost') then 'reopened'
            when is_open and not was_open then 'restored'
            when was_open and not is_open then status
            when is_first_value then 'created'
            when field_name = 'currency_code' then 'currency_moved'
            when field_name = 'amount'
                then case when coalesce(amount, 0) >= coalesce(previous_amount, 0) then 'increased' else 'decreased' end
            -- No close date is later than any.
            when field_name = 'expected_close_on'
                then case
                    when coalesce(expected_close_on, {{ end_of_time() }})
                        < coalesce(previous_expected_close_on, {{ end_of_time() }}) then 'pulled_in'
                    else 'pushed_out'
                end
            when field_name = 'owner' then 'owner_moved'
            when field_name in ('account', 'segment') and segment_id <> previous_segment_id then 'segment_moved'
        end as cause
    from {{ ref('int_deal_steps') }}
    where is_open or was_open
),

owners as (
    select spans.owner_id, spans.team_path
    from {{ ref('int_owner_spans') }} as spans
    where {{ valid_on('spans', as_of_date()) }}
)

select
    steps.deal_id,
    steps.step_number as change_number,
    steps.changed_on,
    steps.changed_at,
    steps.cause,
    steps.was_open,
    steps.is_open,
    steps.previous_currency_code,
    steps.currency_code,
    cast(steps.previous_amount as {{ type_money() }}) as previous_amount,
    steps.amount,
    steps.previous_expected_close_on,
    steps.expected_close_on,
    case
        when steps.cause in ('pulled_in', 'pushed_out')
            then {{ days_between('steps.previous_expected_close_on', 'steps.expected_close_on') }}
    end as close_moved_days,
    steps.previous_owner_id,
    steps.owner_id,
    owners.team_path,
    steps.account_id,
    steps.previous_segment_id,
    steps.segment_id,
    steps.previous_stage_id,
    steps.stage_id
from steps
left join owners on steps.owner_id = owners.owner_id
where steps.cause is not null
