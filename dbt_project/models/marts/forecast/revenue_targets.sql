-- Grain: one row per period (month or fiscal quarter) and segment that has a target; segment (all) is the company.
-- The latest target stated for a month and segment counts. A quarter has a target where all its months have one.
with targets as (
    {{ converted_targets() }}
),

converted as (
    select * from targets where owner_id is null and team_path is null
),

-- The company's target is its own entry, or else the sum of its segments': of those that there are, so that a name with
-- a mistake in it adds nothing. unknown_names lists it.
company as (
    select
        converted.month_start_on,
        converted.fiscal_quarter_start_on,
        case
            when count(*) filter (where segments.is_total) > 0
                then sum(converted.target_amount) filter (where segments.is_total)
            when count(converted.target_amount) = count(*) then sum(converted.target_amount)
        end as target_amount
    from converted
    inner join {{ ref('dim_segment') }} as segments on converted.segment_id = segments.segment_id
    group by converted.month_start_on, converted.fiscal_quarter_start_on
),

monthly as (
    select segment_id, month_start_on, fiscal_quarter_start_on, target_amount
    from converted
    where segment_id <> '(all)'
    union all
    select '(all)' as segment_id, month_start_on, fiscal_quarter_start_on, target_amount from company
),

quarterly as (
    select segment_id, fiscal_quarter_start_on, sum(target_amount) as target_amount
    from monthly
    group by segment_id, fiscal_quarter_start_on
    having count(target_amount) = 3
)

select
    'month' as period_type,
    month_start_on as period_start_on,
    segment_id,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(target_amount as {{ type_money() }}) as target_amount
from monthly
where target_amount is not null
union all
select
    'quarter' as period_type,
    fiscal_quarter_start_on as period_start_on,
    segment_id,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(target_amount as {{ type_money() }}) as target_amount
from quarterly
