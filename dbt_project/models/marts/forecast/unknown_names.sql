-- Grain: one row per use and segment, owner or team that targets or submissions name and the data do not know.
-- Most are mistyped: an amount of 0 takes one back. A team is known by those below it too.
with used as (
    select 'targets' as used_in, segment_id, owner_id, team_path, month_start_on as period_start_on
    from ({{ converted_targets() }}) as targets
    where coalesce(target_amount, 1) <> 0
    union all
    select 'submissions' as used_in, segment_id, owner_id, team_path, period_start_on
    from {{ ref('forecast_submissions') }}
    where is_latest and amount <> 0
),

named as (
    {%- for kind, column in [('segment', 'segment_id'), ('owner', 'owner_id'), ('team', 'team_path')] %}
    select used_in, '{{ kind }}' as name_kind, {{ column }} as name, period_start_on
    from used
    where {{ column }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

counted as (
    select
        used_in,
        name_kind,
        name,
        count(*) as row_count,
        min(period_start_on) as first_period_start_on,
        max(period_start_on) as last_period_start_on
    from named
    group by used_in, name_kind, name
)

select
    counted.used_in,
    counted.name_kind,
    counted.name,
    counted.row_count,
    counted.first_period_start_on,
    counted.last_period_start_on
from counted
left join {{ ref('known_names') }} as known
    on counted.name_kind = known.name_kind
    and (
        counted.name = known.name
        or (
            counted.name_kind = 'team'
            and substring(known.name || '/', 1, length(counted.name) + 1) = counted.name || '/'
        )
    )
where known.name is null
