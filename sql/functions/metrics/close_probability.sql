-- Rule-based close probability; for whole tables see dbt_project/macros/rules_close_probability.sql.
--   score_points = stage_base + engagement_boost + qualification_boost
--                + velocity_penalty + competition_penalty
--   probability  = min + (max - min) / (1 + exp(-(score_points - midpoint) / scale))
-- A logistic curve: it rises with every boost and stays inside its bounds.
-- Coefficients: marts.rule_close_probability.
create or replace function metrics.close_probability(
    p_stage text,
    p_days_in_stage double precision default null,
    p_lead_score double precision default null,
    p_interactions double precision default null,
    p_objections_handled double precision default null,
    p_has_champion boolean default null,
    p_has_budget boolean default null,
    p_has_decision_maker boolean default null,
    p_competitors double precision default null
)
returns table (
    close_probability double precision,
    score_points double precision,
    confidence double precision,
    key_factors text[],
    breakdown jsonb
)
language sql
stable
parallel safe
security invoker
set search_path = ''
as $$
with rules as (
    select
        jsonb_object_agg(rule_name, rule_value) filter (where rule_group = 'coefficient') as coefficient,
        jsonb_object_agg(rule_name, rule_value) filter (where rule_group = 'penalty') as penalty,
        jsonb_object_agg(rule_name, rule_value) filter (where rule_group = 'unknown') as assumed,
        jsonb_object_agg(rule_name, rule_value) filter (where rule_group = 'squashing') as squashing,
        max(rule_value) filter (where rule_group = 'stage_base' and rule_name = '(default)') as default_base,
        max(rule_value) filter (
            where
                rule_group = 'stage_base'
                and rule_name = metrics.rule_key(p_stage)
                and rule_name <> '(default)'
        ) as stage_base
    from marts.rule_close_probability
),

inputs as (
    select *
    from (
        values
        ('stage', null, (select stage_base is not null from rules), null),
        ('days_in_stage', metrics.bounded(p_days_in_stage, 0, 1e6), null, 'in its stage for %s days'),
        ('lead_score', metrics.bounded(p_lead_score, 0, 100), null, 'lead score %s'),
        ('interactions', metrics.bounded(p_interactions, 0, 1e6), null, 'interactions: %s'),
        ('objections_handled', metrics.bounded(p_objections_handled, 0, 1e6), null, 'objections handled: %s'),
        ('champion', p_has_champion::int::float8, null, 'champion identified'),
        ('budget', p_has_budget::int::float8, null, 'budget confirmed'),
        ('decision_maker', p_has_decision_maker::int::float8, null, 'decision maker engaged'),
        ('competitors', metrics.bounded(p_competitors, 0, 1e6), null, 'competitors mentioned: %s')
    ) as input (name, value, is_known, words)
),

points as (
    select
        input.name,
        input.words,
        input.value,
        coalesce(input.is_known, input.value is not null) as is_known,
        case input.name
            when 'stage' then coalesce(rules.stage_base, rules.default_base)
            when 'days_in_stage' then -least(
                greatest(amount.used - (rules.penalty ->> 'free_days_in_stage')::float8, 0)
                * (rules.penalty ->> 'day_over')::float8,
                (rules.penalty ->> 'velocity_max')::float8
            )
            when 'competitors' then -(amount.used * (rules.penalty ->> 'competitor')::float8)
            else amount.used * (rules.coefficient ->> input.name)::float8
        end as points
    from inputs as input
    cross join rules
    cross join lateral (
        select coalesce(input.value, (rules.assumed ->> input.name)::float8) as used
    ) as amount
),

parts as (
    select
        max(points) filter (where name = 'stage') as stage_base,
        max(points) filter (where name = 'lead_score')
        + max(points) filter (where name = 'interactions')
        + max(points) filter (where name = 'objections_handled') as engagement_boost,
        max(points) filter (where name = 'champion')
        + max(points) filter (where name = 'budget')
        + max(points) filter (where name = 'decision_maker') as qualification_boost,
        -- 0 is added because minus zero would be printed as such.
        max(points) filter (where name = 'days_in_stage') + 0 as velocity_penalty,
        max(points) filter (where name = 'competitors') + 0 as competition_penalty,
        array_agg(
            format(words, metrics.number_words(value)) || ' (' || metrics.number_words(points, true) || ')'
            order by abs(points) desc, name
        ) filter (where is_known and words is not null and points <> 0) as key_factors,
        coalesce(jsonb_agg(name order by name) filter (where not is_known), '[]') as unknown_inputs,
        array_agg(name) filter (where is_known) as known
    from points
),

scored as (
    select
        parts.*,
        stage_base + engagement_boost + qualification_boost + velocity_penalty + competition_penalty
            as score_points
    from parts
)

select
    (rules.squashing ->> 'probability_min')::float8
    + ((rules.squashing ->> 'probability_max')::float8 - (rules.squashing ->> 'probability_min')::float8)
    / (
        1 + exp(-metrics.bounded(
            (scored.score_points - (rules.squashing ->> 'midpoint')::float8)
            / (rules.squashing ->> 'scale')::float8, -500, 500
        ))
    ),
    scored.score_points,
    (
        select coalesce(sum(weight.rule_value) filter (where weight.rule_name = any (scored.known)), 0)
            / sum(weight.rule_value)
        from marts.rule_close_probability as weight
        where weight.rule_group = 'confidence_weight'
    ),
    coalesce(scored.key_factors, '{}'),
    jsonb_build_object(
        'stage_base', scored.stage_base,
        'engagement_boost', scored.engagement_boost,
        'qualification_boost', scored.qualification_boost,
        'velocity_penalty', scored.velocity_penalty,
        'competition_penalty', scored.competition_penalty,
        'unknown_inputs', scored.unknown_inputs
    )
from scored
cross join rules
$$;

comment on function metrics.close_probability(
    text, double precision, double precision, double precision, double precision,
    boolean, boolean, boolean, double precision
)
is 'Rule-based close probability (0.01 to 0.99) with score points, confidence, key factors and breakdown.';
