-- Grain: one row per deal and visit to an open stage whose beginning the source's history tells.
-- In the order in which things happened, as far as known by the as-of date; a deal that comes back enters again.
with told as (
    select
        changes.deal_id,
        changes.field_name,
        changes.new_value as value,
        changes.occurred_on,
        lpad(cast(row_number() over (
            partition by changes.deal_id order by changes.occurred_at, changes.known_at, changes.change_id
        ) as {{ dbt.type_string() }}), 7, '0') as change_rank
    from {{ ref('int_deal_changes_identified') }} as changes
    inner join {{ ref('int_deals_identified') }} as deals on changes.deal_id = deals.deal_id
    where changes.field_name in ('stage', 'is_deleted', 'is_merged')
        and changes.known_on <= {{ as_of_date() }} and deals.known_on <= {{ as_of_date() }}
),

carried as (
    select
        deal_id,
        change_rank,
        occurred_on as happened_on,
        {%- for field in ['stage', 'is_deleted', 'is_merged'] %}
        substr(max(case
            when field_name = '{{ field }}' then change_rank || coalesce('=' || value, '')
        end) over passed, 9) as {{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
    from told
    window passed as (partition by deal_id order by change_rank)
),

placed as (
    select
        deal_id,
        change_rank,
        happened_on,
        case when is_deleted = 'true' or is_merged = 'true' then '(removed)' else stage end as place,
        lag(case when is_deleted = 'true' or is_merged = 'true' then '(removed)' else stage end)
            over (partition by deal_id order by change_rank) as previous_place
    from carried
),

moves as (
    select
        deal_id,
        change_rank,
        place,
        happened_on,
        lead(place) over (partition by deal_id order by change_rank) as next_place,
        lead(happened_on) over (partition by deal_id order by change_rank) as left_on
    from placed
    where place is distinct from previous_place
),

segments as (
    select
        deal_id,
        segment_id,
        case when is_beginning then cast('0001-01-01' as date) else changed_on end as valid_from_on,
        coalesce(
            lead(changed_on) over (partition by deal_id order by step_number), {{ end_of_time() }}
        ) as valid_to_on
    from {{ ref('int_deal_steps') }}
    where is_beginning or segment_id is distinct from previous_segment_id
)

select
    moves.deal_id,
    cast(moves.change_rank as integer) as visit_number,
    moves.place as stage_id,
    segments.segment_id,
    moves.happened_on as entered_on,
    moves.left_on,
    {{ days_between('moves.happened_on', 'moves.left_on') }} as stay_days,
    case
        when moves.left_on is null then 'staying'
        when moves.next_place = '(removed)' then 'removed'
        when next_stages.stage_kind = 'lost' then 'lost'
        when next_stages.stage_kind = 'won' or next_stages.stage_order > stages.stage_order then 'advanced'
        else 'moved_back'
    end as outcome
from moves
inner join {{ ref('int_stages_identified') }} as stages
    on moves.place = stages.stage_id and stages.stage_kind = 'open'
left join {{ ref('int_stages_identified') }} as next_stages on moves.next_place = next_stages.stage_id
inner join segments on moves.deal_id = segments.deal_id and {{ valid_on('segments', 'moves.happened_on') }}
