-- The forecast in a scenario, by segment and for the company, (all): of each month, of all of them (horizon), and of what
-- comes later, beside the published forecast. p_scenario says what changes where, as metrics.scenario_arguments reads it.
-- Means add up over segments and months, to the cent; quantiles of the company come from the law of its sum. A quantile
-- keeps the place that it has in the published distribution: see docs/forecast.md.
create or replace function metrics.scenario_by_segment(p_scenario jsonb default '{}')
returns table (
    segment_id text,
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
with laws as (
    select
        segment_id,
        period_type,
        period_start_on,
        max(amount) filter (where variant = 'baseline') as base_amount,
        max(mean_amount) filter (where variant = 'baseline') as base_mean,
        max(variance) filter (where variant = 'baseline') as base_variance,
        max(win_count) filter (where variant = 'baseline') as base_count,
        max(amount) filter (where variant = 'scenario') as amount,
        max(mean_amount) filter (where variant = 'scenario') as mean,
        max(variance) filter (where variant = 'scenario') as variance,
        max(win_count) filter (where variant = 'scenario') as win_count
    from metrics.scenario_laws(p_scenario)
    group by segment_id, period_type, period_start_on
),

-- Parts are published to the cent by segment and month; they are rounded there in a scenario too, so that sums agree.
cells as (
    select
        laws.segment_id,
        laws.period_type,
        laws.period_start_on,
        coalesce(monthly.mean_amount, laws.base_amount) as baseline_amount,
        laws.amount - laws.base_amount as delta_amount,
        coalesce(monthly.closed_amount, 0) as closed_amount
    from laws
    left join marts.revenue_forecast_monthly as monthly
        on laws.segment_id = monthly.segment_id
        and laws.period_start_on = monthly.month_start_on
        and laws.period_type = 'month'
    where laws.segment_id <> '(all)' and laws.period_type in ('month', 'later')
),

amounts as (
    select
        coalesce(segment_id, '(all)') as segment_id,
        period_type,
        period_start_on,
        sum(baseline_amount) as baseline_amount,
        sum(delta_amount) as delta_amount,
        sum(closed_amount) as closed_amount
    from cells
    group by grouping sets ((segment_id, period_type, period_start_on), (period_type, period_start_on))
    union all
    select
        coalesce(segment_id, '(all)'),
        'horizon',
        min(period_start_on),
        sum(baseline_amount),
        sum(delta_amount),
        sum(closed_amount)
    from cells
    where period_type = 'month'
    group by grouping sets ((segment_id), ())
),

published as (
    select segment_id, period_type, period_start_on, probability, amount
    from marts.revenue_forecast_quantiles
    where period_type = 'month'
    union all
    select segment_id, 'horizon', (select min(month_start_on) from marts.revenue_forecast_parts), probability, amount
    from marts.revenue_forecast_horizon
),

arrays as (
    select
        published.segment_id,
        published.period_type,
        published.period_start_on,
        array_agg(published.probability order by published.probability) as probabilities,
        array_agg(published.amount order by published.probability) as quantiles,
        max(published.probability) filter (where published.amount <= amounts.closed_amount + 0.01) as zero_probability
    from published
    inner join amounts using (segment_id, period_type, period_start_on)
    group by published.segment_id, published.period_type, published.period_start_on
),

projected as (
    select
        laws.segment_id,
        laws.period_type,
        laws.period_start_on,
        asked.probability,
        held.amount as baseline_amount,
        held.amount + round(
            metrics.scenario_quantile(
                asked.probability,
                arrays.probabilities,
                arrays.quantiles,
                amounts.closed_amount,
                arrays.zero_probability,
                array[laws.base_mean, laws.base_variance, laws.base_count],
                array[laws.mean, laws.variance, laws.win_count]
            )::numeric - greatest(held.amount - amounts.closed_amount, 0), 2
        ) as projected_amount
    from laws
    inner join amounts using (segment_id, period_type, period_start_on)
    inner join arrays using (segment_id, period_type, period_start_on)
    cross join (values (0.1::float8), (0.5), (0.9)) as asked (probability)
    cross join lateral (
        select arrays.quantiles[array_position(arrays.probabilities, asked.probability)] as amount
    ) as held
),

intervals as (
    select
        segment_id,
        period_type,
        period_start_on,
        max(baseline_amount) filter (where probability = 0.1) as baseline_p10_amount,
        max(baseline_amount) filter (where probability = 0.5) as baseline_p50_amount,
        max(baseline_amount) filter (where probability = 0.9) as baseline_p90_amount,
        max(projected_amount) filter (where probability = 0.1) as projected_p10_amount,
        max(projected_amount) filter (where probability = 0.5) as projected_p50_amount,
        max(projected_amount) filter (where probability = 0.9) as projected_p90_amount
    from projected
    group by segment_id, period_type, period_start_on
)

select
    amounts.segment_id,
    amounts.period_type,
    amounts.period_start_on,
    amounts.baseline_amount,
    amounts.baseline_amount + amounts.delta_amount,
    amounts.delta_amount,
    round(100 * amounts.delta_amount / nullif(amounts.baseline_amount, 0), 1),
    intervals.baseline_p10_amount,
    intervals.baseline_p50_amount,
    intervals.baseline_p90_amount,
    intervals.projected_p10_amount,
    intervals.projected_p50_amount,
    intervals.projected_p90_amount
from amounts
left join intervals using (segment_id, period_type, period_start_on)
order by
    amounts.segment_id <> '(all)',
    amounts.segment_id,
    array_position(array['month', 'horizon', 'later'], amounts.period_type),
    amounts.period_start_on
$$;

comment on function metrics.scenario_by_segment(jsonb)
is 'The published forecast beside that of a scenario, by segment and for the company, by month, in all and later.';
