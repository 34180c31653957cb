-- Grain: one row per period (month or fiscal quarter) and segment that has a target; segment (all) is the company.
-- The latest entry of a month and segment counts. A quarter has a target where all its months have one.
with targets as (
    {{ converted_targets() }}
),

converted as (
    select * from targets where owner_id is null and team_path is null
),

-- The company's target is its own entry, or else the sum of its segments'.
company as (
    select
        month_start_on,
        fiscal_quarter_start_on,
        case
            when count(*) filter (where segment_id = '(all)') > 0
                then sum(target_amount) filter (where segment_id = '(all)')
            when count(target_amount) = count(*) then sum(target_amount)
        end as target_amount
    from converted
    group by month_start_on, fiscal_quarter_start_on
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
