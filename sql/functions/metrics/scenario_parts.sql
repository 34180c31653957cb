-- What the revenue of each segment and month is made of, as published and in a scenario: the moments of open deals and
-- of deals not created yet, and how many wins are expected. docs/forecast.md has the formulas. The row without a month
-- is what comes after the last one, of open deals and of deals created until then.
create or replace function metrics.scenario_parts(p_scenario jsonb)
returns table (
    variant text,
    segment_id text,
    month_start_on date,
    open_mean double precision,
    open_variance double precision,
    created_mean double precision,
    created_variance double precision,
    win_count double precision
)
language sql
stable
parallel safe
security invoker
set search_path = ''
as $$
with arguments as materialized (
    select * from metrics.scenario_arguments(p_scenario)
),

variants as (
    select 'scenario' as variant, arguments.* from arguments
    union all
    select 'baseline', segment_id, 0, 0, 0, 0 from arguments
),

-- Days from the as-of date over which a month's wins come.
months as (
    select
        month_start_on,
        (month_start_on + interval '1 month')::date - 1 - as_of_date as to_days,
        greatest(month_start_on - 1 - as_of_date, 0) as from_days
    from marts.revenue_forecast_parts
    group by month_start_on, as_of_date
),

classes as (
    select segment_id, 1 / least(greatest(win_probability, 1e-9), 1) as most, sum(win_count) as win_count
    from marts.revenue_scenario_basis
    group by segment_id, win_probability
),

-- No win probability rises above 1. Deals not created yet gain what their segment's open deals gain, or where it has
-- none those of the company.
effects as (
    select
        variants.variant,
        variants.segment_id,
        coalesce(
            sum(classes.win_count * least(1 + variants.win_rate_increase, classes.most)) / sum(classes.win_count),
            1 + max(variants.win_rate_increase)
        ) as effect
    from variants
    left join (select distinct segment_id from classes) as own on variants.segment_id = own.segment_id
    left join classes on coalesce(own.segment_id, classes.segment_id) = classes.segment_id
    group by variants.variant, variants.segment_id
),

raised as (
    select
        variants.variant,
        variants.segment_id,
        basis.from_days * (1 + variants.cycle_change) as from_days,
        basis.to_days * (1 + variants.cycle_change) as to_days,
        sum(basis.win_count * cap.effect) as win_count,
        sum(basis.mean_amount * cap.effect) as mean_amount,
        sum(basis.second_moment * cap.effect) as second_moment
    from variants
    inner join marts.revenue_scenario_basis as basis on variants.segment_id = basis.segment_id
    cross join lateral (
        select
            least(1 + variants.win_rate_increase, 1 / least(greatest(basis.win_probability, 1e-9), 1)) as effect
    ) as cap
    group by variants.variant, variants.segment_id, 3, 4
),

-- Within its interval a win is equally likely on each day; a longer cycle stretches the interval.
falling as (
    select
        raised.variant,
        raised.segment_id,
        months.month_start_on,
        sum(raised.win_count * part.share) as win_count,
        sum(raised.mean_amount * part.share) as mean_amount,
        sum(raised.second_moment * part.share) as second_moment
    from raised
    inner join months on months.from_days < raised.to_days and raised.from_days < months.to_days
    cross join lateral (
        select
            (least(months.to_days, raised.to_days) - greatest(months.from_days, raised.from_days))
            / (raised.to_days - raised.from_days) as share
    ) as part
    group by raised.variant, raised.segment_id, months.month_start_on
),

won as (
    select greatest(closed_on - created_on, 0) as days, count(*) as deal_count
    from marts.fct_deals
    where is_won and closed_on is not null and created_on is not null
    group by 1
),

-- Days won after, over deals that are created evenly from the as-of date on, up to the end of each month: with the
-- cycles of won deals, drawn to an exponential of 90 days by five deals.
ripened as (
    select
        stretches.stretch,
        ends.days,
        (
            sum(won.deal_count * greatest(ends.days - stretches.stretch * won.days, 0))
            + 5 * (
                ends.days - 90 * stretches.stretch * (1 - exp(-least(ends.days / (90 * stretches.stretch), 700)))
            )
        ) / (sum(won.deal_count) + 5) as won_days
    from (select distinct 1 + cycle_change as stretch from variants) as stretches
    cross join (select from_days as days from months union select to_days from months) as ends
    cross join (select days, deal_count from won union all select 0, 0) as won
    group by stretches.stretch, ends.days
),

delays as (
    select
        starts.stretch,
        months.month_start_on,
        months.to_days - months.from_days as days,
        greatest(ends.won_days - starts.won_days, 0) as won_days
    from months
    inner join ripened as starts on months.from_days = starts.days
    inner join ripened as ends on months.to_days = ends.days and starts.stretch = ends.stretch
),

scaled as (
    select
        variants.variant,
        variants.segment_id,
        parts.month_start_on,
        (1 + variants.pipeline_growth) as growth,
        (1 + variants.deal_size_increase) as size,
        effects.effect,
        coalesce(delayed.won_days / nullif(usual.won_days, 0), 1) as delay,
        coalesce((delayed.days - delayed.won_days) / nullif(usual.won_days, 0), 0) as waiting,
        coalesce(falling.win_count, 0) as win_count,
        coalesce(falling.mean_amount, 0) as mean_amount,
        coalesce(falling.second_moment, 0) as second_moment,
        coalesce(base.mean_amount, 0) as base_amount,
        coalesce(base.second_moment, 0) as base_moment,
        parts.open_mean,
        parts.open_variance,
        parts.created_mean,
        parts.created_variance,
        -- Poisson's mean from the three cumulants of a sum of lognormal values.
        case
            when parts.created_variance > 1e-9
                then parts.created_mean ^ 3 * parts.created_third_cumulant / parts.created_variance ^ 3
            else 0
        end as created_count
    from variants
    inner join effects on variants.variant = effects.variant and variants.segment_id = effects.segment_id
    inner join marts.revenue_forecast_parts as parts on variants.segment_id = parts.segment_id
    inner join delays as delayed
        on 1 + variants.cycle_change = delayed.stretch and parts.month_start_on = delayed.month_start_on
    inner join delays as usual on usual.stretch = 1 and parts.month_start_on = usual.month_start_on
    left join falling
        on variants.variant = falling.variant
        and variants.segment_id = falling.segment_id
        and parts.month_start_on = falling.month_start_on
    left join falling as base
        on base.variant = 'baseline'
        and variants.segment_id = base.segment_id
        and parts.month_start_on = base.month_start_on
),

-- Published moments in the proportion in which those of the basis change; a month without any has the basis' own.
monthly as (
    select
        scaled.*,
        growth * size * case
            when base_amount > 0 then open_mean * (mean_amount / base_amount) else open_mean + mean_amount
        end as new_open_mean,
        growth * size * effect * created_mean as new_created_mean
    from scaled
)

select
    variant,
    segment_id,
    month_start_on,
    new_open_mean,
    growth * size ^ 2 * case
        when base_moment > 0 then open_variance * (second_moment / base_moment) else open_variance + second_moment
    end,
    new_created_mean * delay,
    growth * size ^ 2 * effect * delay * created_variance,
    growth * (win_count + effect * delay * created_count)
from monthly
union all
select
    monthly.variant,
    monthly.segment_id,
    null,
    greatest(max(later.amount) * max(growth * size) - sum(growth * size * mean_amount), 0),
    null,
    sum(new_created_mean * greatest(waiting, 0)),
    null,
    null
from monthly
left join (
    select variant, segment_id, sum(mean_amount) as amount
    from raised
    group by variant, segment_id
) as later on monthly.variant = later.variant and monthly.segment_id = later.segment_id
group by monthly.variant, monthly.segment_id
$$;

comment on function metrics.scenario_parts(jsonb)
is 'Moments of revenue by segment and month, as published (baseline) and in a scenario.';
