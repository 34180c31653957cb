-- Rule-based deal value; for whole tables see dbt_project/macros/rules_deal_value.sql.
--   base     = planned users × list price per user and month × contract months × (1 − discount rate)
--   adjusted = base × plan factor × billing factor × industry factor × stage factor × expansion factor
--   value    = (1 − w) × adjusted + w × average of similar closed deals, where one is given
-- Without users or list price the base is unknown: the value is then the average of similar deals, or null.
-- Factors: marts.rule_deal_value. Amounts are in the currency of the list price.
create or replace function metrics.deal_value(
    p_product_plan text default null,
    p_planned_users double precision default null,
    p_list_price double precision default null,
    p_discount_rate double precision default null,
    p_billing_cycle text default null,
    p_contract_months double precision default null,
    p_industry text default null,
    p_stage text default null,
    p_similar_closed_average double precision default null,
    p_expansion_factor double precision default null
)
returns table (
    deal_value numeric(18, 2),
    base_amount numeric(18, 2),
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
    select
        max(rule_value) filter (
            where rule_group = 'blend' and rule_name = 'similar_closed_weight'
        ) as similar_closed_weight,
        jsonb_object_agg(rule_name, rule_value) filter (where rule_group = 'limit') as bounds,
        jsonb_object_agg(rule_name, rule_value) filter (where rule_group = 'unknown') as assumed
    from marts.rule_deal_value
),

-- The row of the name, else the row (default).
factors as (
    select
        wanted.factor,
        (
            array_agg(rule.rule_value order by rule.rule_name = '(default)')
        )[1] as value
    from (
        values
        ('plan_factor', p_product_plan), ('billing_factor', p_billing_cycle),
        ('industry_factor', p_industry), ('stage_factor', p_stage)
    ) as wanted (factor, name)
    left join marts.rule_deal_value as rule
        on wanted.factor = rule.rule_group and rule.rule_name in (metrics.rule_key(wanted.name), '(default)')
    group by wanted.factor
),

inputs as (
    select
        metrics.bounded(p_planned_users, 0, 1e9) as planned_users,
        metrics.bounded(p_list_price, 0, 1e9) as list_price,
        metrics.bounded(p_discount_rate, 0, 1) as discount_rate,
        metrics.bounded(p_contract_months, 0, 1200) as contract_months,
        metrics.bounded(p_similar_closed_average, 0, 1e15) as similar_closed_average,
        coalesce(
            metrics.bounded(
                p_expansion_factor,
                (rules.bounds ->> 'expansion_factor_min')::float8,
                (rules.bounds ->> 'expansion_factor_max')::float8
            ),
            (rules.assumed ->> 'expansion_factor')::float8
        ) as expansion_factor,
        (select value from factors where factor = 'plan_factor') as plan_factor,
        (select value from factors where factor = 'billing_factor') as billing_factor,
        (select value from factors where factor = 'industry_factor') as industry_factor,
        (select value from factors where factor = 'stage_factor') as stage_factor
    from rules
),

based as (
    select
        inputs.*,
        planned_users
        * list_price
        * coalesce(contract_months, (rules.assumed ->> 'contract_months')::float8)
        * (1 - coalesce(discount_rate, (rules.assumed ->> 'discount_rate')::float8)) as base_amount
    from inputs
    cross join rules
),

adjusted as (
    select
        based.*,
        base_amount * plan_factor * billing_factor * industry_factor * stage_factor * expansion_factor
            as adjusted_amount
    from based
),

blended as (
    select
        adjusted.*,
        case
            when adjusted.adjusted_amount is null then adjusted.similar_closed_average
            when adjusted.similar_closed_average is null then adjusted.adjusted_amount
            else (1 - rules.similar_closed_weight) * adjusted.adjusted_amount
                + rules.similar_closed_weight * adjusted.similar_closed_average
        end as value,
        case
            when adjusted.adjusted_amount is null and adjusted.similar_closed_average is not null then 1
            when adjusted.similar_closed_average is null then 0
            else rules.similar_closed_weight
        end as similar_closed_weight
    from adjusted
    cross join rules
)

-- decimal(18,2) must be able to hold what absurd inputs give.
select
    metrics.bounded(value, 0, 1e15)::numeric(18, 2),
    metrics.bounded(base_amount, 0, 1e15)::numeric(18, 2),
    (
        select
            sum(
                case weight.rule_name
                    when 'planned_users' then (planned_users is not null)::int
                    when 'list_price' then (list_price is not null)::int
                    when 'contract_months' then (contract_months is not null)::int
                    when 'discount_rate' then (discount_rate is not null)::int
                    when 'similar_closed' then (similar_closed_average is not null)::int
                    else 0
                end * weight.rule_value
            ) / sum(weight.rule_value)
        from marts.rule_deal_value as weight
        where weight.rule_group = 'confidence_weight'
    ),
    jsonb_build_object(
        'base_amount', metrics.bounded(base_amount, 0, 1e15)::numeric(18, 2),
        'plan_factor', plan_factor,
        'billing_factor', billing_factor,
        'industry_factor', industry_factor,
        'stage_factor', stage_factor,
        'expansion_factor', expansion_factor,
        'adjusted_amount', metrics.bounded(adjusted_amount, 0, 1e15)::numeric(18, 2),
        'similar_closed_average', similar_closed_average::numeric(18, 2),
        'similar_closed_weight', similar_closed_weight
    )
from blended
$$;

comment on function metrics.deal_value(
    text, double precision, double precision, double precision, text, double precision, text, text,
    double precision, double precision
)
is 'Rule-based deal value with base amount, confidence and breakdown, in the currency of the list price.';
