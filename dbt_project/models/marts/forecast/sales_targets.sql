-- Grain: one row per period (month or fiscal quarter) and owner or team that has a target.
-- The latest target stated for a month counts. A quarter has a target where all its months have one.
with targets as (
    {{ converted_targets() }}
),

monthly as (
    select * from targets where owner_id is not null or team_path is not null
),

periods as (
    select 'month' as period_type, month_start_on as period_start_on, owner_id, team_path, target_amount
    from monthly
    union all
    select
        'quarter' as period_type, fiscal_quarter_start_on as period_start_on, owner_id, team_path,
        sum(target_amount) as target_amount
    from monthly
    group by owner_id, team_path, fiscal_quarter_start_on
    having count(target_amount) = 3
)

select
    period_type,
    period_start_on,
    owner_id,
    team_path,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(target_amount as {{ type_money() }}) as target_amount
from periods
where target_amount is not null
