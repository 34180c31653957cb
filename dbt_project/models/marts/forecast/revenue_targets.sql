-- Grain: one row per period (month or fiscal quarter) and segment that has a target; segment (all) is the company.
-- The latest entry of a month and segment counts. A quarter has a target where all its months have one.
with entered as (
    select
        *,
        row_number() over (partition by segment_id, month_start_on order by entered_at desc, target_id desc) as recency
    from {{ source('planning', 'targets') }}
    where owner_id is null and team_path is null
),

converted as (
    select
        entered.segment_id,
        dates.month_start_on,
        dates.fiscal_quarter_start_on,
        cast(entered.target_amount * rates.known_rate as {{ type_money() }}) as target_amount
    from entered
    inner join {{ ref('dim_date') }} as dates on entered.month_start_on = dates.date_day
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on upper(entered.currency_code) = rates.currency_code and rates.date_day = {{ as_of_date() }}
    where entered.recency = 1
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
