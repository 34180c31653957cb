-- Grain: one row per open deal and span of days on which it stood the same (validity is exclusive at its end).
-- What metrics.pipeline_as_of reads: the standing at the end of a day, as known on that day.
{{ config(indexes=[{'columns': ['valid_to_on', 'valid_from_on']}] if target.type == 'postgres' else []) }}

with steps as (
    select
        *,
        lead(changed_on) over (partition by deal_id order by step_number) as next_changed_on
    from {{ ref('int_deal_steps') }}
),

stages as (
    select stage_id, stage_name, stage_order from {{ ref('int_stages_identified') }}
),

-- Who may see a deal follows from the team its owner is in now.
owners as (
    select spans.owner_id, spans.team_path
    from {{ ref('int_owner_spans') }} as spans
    where {{ valid_on('spans', as_of_date()) }}
)

select
    steps.deal_id,
    steps.changed_on as valid_from_on,
    coalesce(steps.next_changed_on, {{ end_of_time() }}) as valid_to_on,
    steps.stage_id,
    stages.stage_name,
    stages.stage_order,
    steps.forecast_category,
    steps.owner_id,
    owners.team_path,
    steps.account_id,
    steps.segment_id,
    steps.currency_code,
    steps.amount,
    steps.expected_close_on
from steps
left join stages on steps.stage_id = stages.stage_id
left join owners on steps.owner_id = owners.owner_id
where steps.is_open and coalesce(steps.next_changed_on <> steps.changed_on, true)
