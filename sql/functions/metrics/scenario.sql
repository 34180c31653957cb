-- What if: the company's forecast with another win rate, deal size, number of deals or length of the sales cycle, beside
-- the published one. Arguments are relative changes: 0.1 is 10 % more. Of each month, of all of them (horizon), and of
-- what comes after them (later), where a longer cycle moves wins to. metrics.scenario_by_segment changes segments.
create or replace function metrics.scenario(
    p_win_rate_increase double precision default 0,
    p_deal_size_increase double precision default 0,
    p_pipeline_growth double precision default 0,
    p_cycle_change double precision default 0
)
returns table (
    period_type text,
    period_start_on date,
    baseline_amount numeric,
    projected_amount numeric,
    delta_amount numeric,
    delta_percent numeric,
    baseline_p10_amount numeric,
    baseline_p50_amount numeric,
    baseline_p90_amount numeric,
    projected_p10_amount numeric,
    projected_p50_amount numeric,
    projected_p90_amount numeric
)
language sql
stable
parallel safe
security invoker
set search_path = ''
as $$
select
    period_type,
    period_start_on,
    baseline_amount,
    projected_amount,
    delta_amount,
    delta_percent,
    baseline_p10_amount,
    baseline_p50_amount,
    baseline_p90_amount,
    projected_p10_amount,
    projected_p50_amount,
    projected_p90_amount
from metrics.scenario_by_segment(jsonb_build_object('(all)', jsonb_build_object(
    'win_rate_increase', p_win_rate_increase,
    'deal_size_increase', p_deal_size_increase,
    'pipeline_growth', p_pipeline_growth,
    'cycle_change', p_cycle_change
)))
where segment_id = '(all)'
order by array_position(array['month', 'horizon', 'later'], period_type), period_start_on
$$;

comment on function metrics.scenario(double precision, double precision, double precision, double precision)
is 'The published forecast beside that of other win rates, deal sizes, numbers of deals and sales cycles.';
