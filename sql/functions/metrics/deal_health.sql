-- Deal health 0 to 100; for whole tables see dbt_project/macros/rules_deal_health.sql.
--   velocity       100 up to the expected days in the stage, then down to 0 at zero_ratio times as many
--   engagement     interactions in 30 days as a share of full_interactions_30d
--   qualification  weighted share of champion, budget and decision maker among those known
--   recency        100 up to full_days since the last activity, then down to 0 at zero_days
--   schedule       100, less the share of overdue_zero_days past the expected close, less push_points a push
-- health = average of the known parts by weight; parts that are unknown drop out and confidence falls.
-- Scales and thresholds: marts.rule_deal_health.
create or replace function metrics.deal_health(
    p_days_in_stage double precision default null,
    p_expected_stage_days double precision default null,
    p_interactions_30d double precision default null,
    p_days_since_last_activity double precision default null,
    p_has_champion boolean default null,
    p_has_budget boolean default null,
    p_has_decision_maker boolean default null,
    p_days_to_expected_close double precision default null,
    p_close_date_push_count double precision default null
)
returns table (
    health_score double precision,
    health_category text,
    confidence double precision,
    breakdown jsonb
)
language sql
stable
parallel safe
security invoker
set search_path = ''
as $$
with rules as (
    select jsonb_object_agg(rule_group || '.' || rule_name, rule_value) as rule
    from marts.rule_deal_health
),

inputs as (
    select
        rules.rule,
        metrics.bounded(p_days_in_stage, 0, 1e6) as days_in_stage,
        coalesce(
            metrics.bounded(p_expected_stage_days, 1, 1e6),
            (rules.rule ->> 'velocity.expected_stage_days')::float8
        ) as expected_stage_days,
        metrics.bounded(p_interactions_30d, 0, 1e6) as interactions_30d,
        metrics.bounded(p_days_since_last_activity, 0, 1e6) as days_since_last_activity,
        metrics.bounded(p_days_to_expected_close, -1e6, 1e6) as days_to_expected_close,
        metrics.bounded(p_close_date_push_count, 0, 1e6) as close_date_push_count
    from rules
),

parts as (
    select
        rule,
        100 * metrics.bounded(
            1 - (days_in_stage / expected_stage_days - 1)
            / ((rule ->> 'velocity.zero_ratio')::float8 - 1), 0, 1
        ) as velocity,
        100 * metrics.bounded(
            interactions_30d / (rule ->> 'engagement.full_interactions_30d')::float8, 0, 1
        ) as engagement,
        100 * (
            coalesce((rule ->> 'qualification.champion')::float8 * p_has_champion::int, 0)
            + coalesce((rule ->> 'qualification.budget')::float8 * p_has_budget::int, 0)
            + coalesce((rule ->> 'qualification.decision_maker')::float8 * p_has_decision_maker::int, 0)
        ) / nullif(
            case when p_has_champion is null then 0 else (rule ->> 'qualification.champion')::float8 end
            + case when p_has_budget is null then 0 else (rule ->> 'qualification.budget')::float8 end
            + case
                when p_has_decision_maker is null then 0
                else (rule ->> 'qualification.decision_maker')::float8
            end, 0
        ) as qualification,
        100 * metrics.bounded(
            1 - (days_since_last_activity - (rule ->> 'recency.full_days')::float8)
            / ((rule ->> 'recency.zero_days')::float8 - (rule ->> 'recency.full_days')::float8), 0, 1
        ) as recency,
        metrics.bounded(
            100
            - 100 * greatest(-days_to_expected_close, 0) / (rule ->> 'schedule.overdue_zero_days')::float8
            - coalesce(close_date_push_count, 0) * (rule ->> 'schedule.push_points')::float8, 0, 100
        ) as schedule_if_dated,
        days_to_expected_close
    from inputs
),

weighted as (
    select
        parts.*,
        part.schedule,
        part.known_points,
        part.known_weight,
        part.weight
    from parts
    cross join lateral (
        -- Without an expected close date there is no schedule to keep.
        select case when days_to_expected_close is not null then schedule_if_dated end as schedule
    ) as dated
    cross join lateral (
        select
            dated.schedule,
            coalesce((rule ->> 'weight.velocity')::float8 * velocity, 0)
            + coalesce((rule ->> 'weight.engagement')::float8 * engagement, 0)
            + coalesce((rule ->> 'weight.qualification')::float8 * qualification, 0)
            + coalesce((rule ->> 'weight.recency')::float8 * recency, 0)
            + coalesce((rule ->> 'weight.schedule')::float8 * dated.schedule, 0) as known_points,
            case when velocity is null then 0 else (rule ->> 'weight.velocity')::float8 end
            + case when engagement is null then 0 else (rule ->> 'weight.engagement')::float8 end
            + case when qualification is null then 0 else (rule ->> 'weight.qualification')::float8 end
            + case when recency is null then 0 else (rule ->> 'weight.recency')::float8 end
            + case when dated.schedule is null then 0 else (rule ->> 'weight.schedule')::float8 end
                as known_weight,
            (rule ->> 'weight.velocity')::float8 + (rule ->> 'weight.engagement')::float8
            + (rule ->> 'weight.qualification')::float8 + (rule ->> 'weight.recency')::float8
            + (rule ->> 'weight.schedule')::float8 as weight
    ) as part
),

scored as (
    select
        weighted.*,
        -- Whole points: the figure, its category and the words about it are one number.
        floor(metrics.bounded(known_points / nullif(known_weight, 0), 0, 100)) as health_score
    from weighted
)

select
    health_score,
    case
        when health_score >= (rule ->> 'threshold.healthy')::float8 then 'healthy'
        when health_score >= (rule ->> 'threshold.watch')::float8 then 'watch'
        when health_score >= (rule ->> 'threshold.at_risk')::float8 then 'at risk'
        when health_score is not null then 'critical'
    end,
    known_weight / weight,
    jsonb_build_object(
        'velocity', velocity,
        'engagement', engagement,
        'qualification', qualification,
        'recency', recency,
        'schedule', schedule
    )
from scored
$$;

comment on function metrics.deal_health(
    double precision, double precision, double precision, double precision,
    boolean, boolean, boolean, double precision, double precision
)
is 'Deal health 0 to 100 with category, confidence and its five parts; null where nothing is known.';
