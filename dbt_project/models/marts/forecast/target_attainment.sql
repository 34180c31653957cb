-- Grain: one row per period (month or fiscal quarter) with a target, and the company, segment, owner or team it is of.
{%- set amounts = ['closed_amount', 'commit_amount', 'best_case_amount', 'pipeline_amount'] %}
with targets as (
    select period_type, period_start_on, segment_id, '' as owner_id, '' as team_path, target_amount
    from {{ ref('revenue_targets') }}
    union all
    select
        period_type, period_start_on, '(all)' as segment_id, coalesce(owner_id, '') as owner_id,
        coalesce(team_path, '') as team_path, target_amount
    from {{ ref('sales_targets') }}
),

months as (
    select * from {{ ref('forecast_categories_monthly') }}
),

-- What belongs to each of those that have targets; a team has what teams below it have.
scoped as (
    {%- for segment, owner in [('segment_id', "''"), ("'(all)'", "''"), ("'(all)'", 'owner_id')] %}
    select
        {{ segment }} as segment_id, {{ owner }} as owner_id, '' as team_path, month_start_on,
        {{ amounts | join(', ') }}
    from months
    union all
    {%- endfor %}
    select
        '(all)' as segment_id, '' as owner_id, teams.path as team_path, months.month_start_on,
        months.{{ amounts | join(', months.') }}
    from months
    inner join (select distinct team_path as path from {{ ref('sales_targets') }} where team_path is not null) as teams
        on substring(months.team_path || '/', 1, length(teams.path) + 1) = teams.path || '/'
),

months_of_periods as (
    {%- for kind, start, stop in [
        ('month', 'month_start_on', 'month_end_on'), ('quarter', 'fiscal_quarter_start_on', 'fiscal_quarter_end_on')
    ] %}
    select
        '{{ kind }}' as period_type, month_start_on, {{ start }} as period_start_on, {{ stop }} as period_end_on,
        fiscal_year, fiscal_quarter
    from {{ ref('dim_date') }}
    where date_day = month_start_on
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

summed as (
    select
        targets.period_type,
        targets.period_start_on,
        targets.segment_id,
        targets.owner_id,
        targets.team_path,
        max(targets.target_amount) as target_amount,
        max(periods.period_end_on) as period_end_on,
        max(periods.fiscal_year) as fiscal_year,
        max(periods.fiscal_quarter) as fiscal_quarter,
        {%- for name in amounts %}
        coalesce(sum(scoped.{{ name }}), 0) as {{ name }} {{- ',' if not loop.last }}
        {%- endfor %}
    from targets
    inner join months_of_periods as periods
        on targets.period_type = periods.period_type and targets.period_start_on = periods.period_start_on
    left join scoped
        on periods.month_start_on = scoped.month_start_on and targets.segment_id = scoped.segment_id
        and targets.owner_id = scoped.owner_id and targets.team_path = scoped.team_path
    group by targets.period_type, targets.period_start_on, targets.segment_id, targets.owner_id, targets.team_path
),

people as (
    select
        period_type, period_start_on, segment_id, coalesce(owner_id, '') as owner_id,
        coalesce(team_path, '') as team_path, kind, reporting_amount,
        row_number() over (
            partition by kind, period_type, period_start_on, segment_id, owner_id, team_path
            order by submitted_at desc, submission_id desc
        ) as recency
    from {{ ref('forecast_submissions') }}
    where category = 'commit'
)

select
    {{ as_of_date() }} as as_of_date,
    summed.period_type,
    summed.period_start_on,
    summed.period_end_on,
    summed.fiscal_year,
    summed.fiscal_quarter,
    summed.segment_id,
    nullif(summed.owner_id, '') as owner_id,
    nullif(summed.team_path, '') as team_path,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(summed.target_amount as {{ type_money() }}) as target_amount,
    {%- for name in amounts %}
    cast(summed.{{ name }} as {{ type_money() }}) as {{ name }},
    {%- endfor %}
    {{ ratio('summed.closed_amount', 'summed.target_amount') }} as attainment_rate,
    cast(summed.target_amount - summed.closed_amount as {{ type_money() }}) as gap_amount,
    case when summed.target_amount > summed.closed_amount then
        {{ ratio('summed.commit_amount + summed.best_case_amount + summed.pipeline_amount',
                 'summed.target_amount - summed.closed_amount') }}
    end as coverage_rate,
    forecasts.mean_amount,
    forecasts.p10_amount,
    forecasts.p50_amount,
    forecasts.p90_amount,
    forecasts.mean_above_target_amount,
    forecasts.target_probability,
    submissions.reporting_amount as submitted_amount,
    overrides.reporting_amount as override_amount
from summed
left join {{ ref('revenue_forecast_periods') }} as forecasts
    on summed.period_type = forecasts.period_type and summed.period_start_on = forecasts.period_start_on
    and summed.segment_id = forecasts.segment_id and summed.owner_id = '' and summed.team_path = ''
{%- for name, kind in [('submissions', 'submission'), ('overrides', 'override')] %}
left join people as {{ name }}
    on {{ name }}.kind = '{{ kind }}' and {{ name }}.recency = 1 and summed.period_type = {{ name }}.period_type
    and summed.period_start_on = {{ name }}.period_start_on and summed.segment_id = {{ name }}.segment_id
    and summed.owner_id = {{ name }}.owner_id and summed.team_path = {{ name }}.team_path
{%- endfor %}
