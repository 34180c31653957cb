-- The law of revenue still to come, as published and in a scenario, by segment and for the company, of each month and
-- of all of them: its mean (to the cent by part, as published, and as it is), its variance and the expected wins, from
-- metrics.scenario_parts and the factors that deals share. docs/forecast.md has the formulas. Of what comes after the
-- last month there is only the mean.
create or replace function metrics.scenario_laws(p_scenario jsonb)
returns table (
    variant text,
    segment_id text,
    period_type text,
    period_start_on date,
    amount numeric,
    mean_amount double precision,
    variance double precision,
    win_count double precision
)
language sql
stable
parallel safe
security invoker
set search_path = ''
as $$
with scenario_parts as materialized (
    select * from metrics.scenario_parts(p_scenario)
),

parts as (
    select
        made.variant,
        made.segment_id,
        made.month_start_on,
        round(made.open_mean::numeric, 2) + round(made.created_mean::numeric, 2) as amount,
        made.open_mean + made.created_mean as mean,
        made.created_mean as created,
        made.open_variance + made.created_variance as variance,
        made.win_count,
        ln(1 + parts.common_variance) as common,
        ln(1 + parts.segment_variance) as own,
        ln(1 + parts.created_level_variance) as level,
        ln(1 + parts.created_error_variance) as error,
        parts.month_correlation as correlation
    from scenario_parts as made
    inner join marts.revenue_forecast_parts as parts
        on made.segment_id = parts.segment_id and made.month_start_on = parts.month_start_on
),

-- A scope is a segment or the company. To the mean of the product of two months its sum adds what deals and common
-- factors bring, and each of its segments what the segment's own factor adds.
elements as (
    select segment_id as scope, parts.* from parts
    union all
    select '(all)', parts.* from parts
    union all
    select
        coalesce(segment_id, '(all)'),
        variant,
        '(all)',
        month_start_on,
        sum(amount),
        sum(mean),
        sum(created),
        sum(variance),
        sum(win_count),
        max(common),
        null,
        max(level),
        max(error),
        max(correlation)
    from parts
    group by grouping sets ((variant, segment_id, month_start_on), (variant, month_start_on))
),

products as (
    select
        one.variant,
        one.scope,
        one.month_start_on,
        one.month_start_on = other.month_start_on as is_same,
        -- Of the month itself: they stand once where it meets itself.
        max(one.amount) filter (where one.segment_id = '(all)' and pair.same = 1) as amount,
        max(one.mean) filter (where one.segment_id = '(all)' and pair.same = 1) as mean,
        max(one.win_count) filter (where one.segment_id = '(all)' and pair.same = 1) as win_count,
        exp(max(pair.correlation * sqrt(one.common * other.common))) * sum(
            coalesce(exp(pair.correlation * sqrt(one.own * other.own)) - 1, 1)
            * (
                one.mean * other.mean
                + one.created * other.created * (exp(sqrt(one.error * other.error) + pair.same * one.level) - 1)
                + pair.same * one.variance
            )
        ) - max(one.mean * other.mean) filter (where one.segment_id = '(all)') as covariance
    from elements as one
    inner join elements as other
        on one.variant = other.variant and one.scope = other.scope and one.segment_id = other.segment_id
    cross join lateral (
        select
            case when one.month_start_on = other.month_start_on then 1 else one.correlation end as correlation,
            case when one.month_start_on = other.month_start_on then 1 else 0 end as same
    ) as pair
    group by one.variant, one.scope, one.month_start_on, other.month_start_on
)

select
    variant,
    scope,
    case grouping(month_start_on) when 0 then 'month' else 'horizon' end,
    min(month_start_on),
    sum(amount),
    sum(mean),
    case grouping(month_start_on) when 0 then sum(covariance) filter (where is_same) else sum(covariance) end,
    sum(win_count)
from products
group by grouping sets ((variant, scope, month_start_on), (variant, scope))
union all
select
    later.variant,
    case grouping(later.segment_id) when 0 then later.segment_id else '(all)' end,
    'later',
    (select (max(month_start_on) + interval '1 month')::date from marts.revenue_forecast_parts),
    sum(round(later.open_mean::numeric, 2) + round(later.created_mean::numeric, 2)),
    sum(later.open_mean + later.created_mean),
    null,
    null
from scenario_parts as later
where later.month_start_on is null
group by grouping sets ((later.variant, later.segment_id), (later.variant))
$$;

comment on function metrics.scenario_laws(jsonb)
is 'Mean, variance and expected wins of revenue to come by period and segment, as published (baseline) and in a scenario.';
