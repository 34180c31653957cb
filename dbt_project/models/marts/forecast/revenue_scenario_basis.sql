-- Grain: one row per segment, class of win probability and interval of days: what open deals are expected to bring.
select
    basis.as_of_date,
    basis.segment_id,
    basis.win_class,
    basis.from_days,
    basis.to_days,
    basis.win_probability,
    basis.win_count,
    basis.mean_amount,
    basis.second_moment
from {{ source('scoring', 'revenue_scenario_basis') }} as basis
inner join {{ source('scoring', 'published_runs') }} as runs on basis.run_id = runs.run_id
where basis.as_of_date = {{ as_of_date() }}
