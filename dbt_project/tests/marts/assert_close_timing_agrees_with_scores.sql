-- Winning within the months ahead is never likelier than winning at all, and every scored open deal has a row a month.
select
    scores.deal_id,
    scores.win_probability,
    sum(timing.win_probability) as summed_probability,
    count(timing.month_start_on) as month_count
from {{ ref('deal_scores') }} as scores
left join {{ ref('deal_close_timing') }} as timing on scores.deal_id = timing.deal_id
where scores.win_probability is not null and scores.close_model_version is not null
group by scores.deal_id, scores.win_probability
having
    coalesce(sum(timing.win_probability), 0) > scores.win_probability + 1e-9
    or count(timing.month_start_on) <> {{ var('forecast_horizon_months') | int + 1 }}
