-- Grain: one row per origin, as-of date, period, segment, predictor, category and author: what was said before a period
-- was over, and what came. Only of people have a category and an author.
{%- set predictors = {
    'model': 'mean_amount', 'stage_weighted': 'stage_weighted_amount', 'crm_probability': 'crm_probability_amount',
    'naive': 'naive_amount', 'seasonal_naive': 'seasonal_naive_amount'
} %}
with won as (
    select month_start_on, segment_id, sum(closed_amount) as actual_amount
    from {{ ref('forecast_categories_monthly') }}
    group by month_start_on, segment_id
    union all
    select month_start_on, '(all)' as segment_id, sum(closed_amount) as actual_amount
    from {{ ref('forecast_categories_monthly') }}
    group by month_start_on
),

-- A forecast counts for months that were not over when it was published; of several of a day the last one
-- does that was published on the first day: one made again later may know more.
published as (
    select
        ledger.*,
        row_number() over (
            partition by ledger.as_of_date, ledger.month_start_on, ledger.segment_id
            order by {{ local_date('ledger.published_at') }}, ledger.ledger_id desc
        ) as recency
    from {{ ref('forecast_ledger') }} as ledger
    inner join {{ ref('dim_date') }} as dates on ledger.month_start_on = dates.date_day
    where dates.month_end_on <= {{ as_of_date() }}
        and dates.month_end_on > ledger.as_of_date
        and dates.month_end_on >= {{ local_date('ledger.published_at') }}
        and coalesce(ledger.reporting_currency_code, {{ reporting_currency() }}) = {{ reporting_currency() }}
),

machines as (
    select
        'backtest' as origin, as_of_date, period_type, month_start_on as period_start_on, months_ahead, segment_id,
        predictor, forecast_amount, actual_amount
    from {{ ref('forecast_backtest') }}
    {%- for name, column in predictors.items() %}
    union all
    select
        'ledger' as origin, published.as_of_date, 'month' as period_type, published.month_start_on,
        published.months_ahead, published.segment_id, '{{ name }}' as predictor, published.{{ column }},
        cast(coalesce(won.actual_amount, 0) as {{ type_money() }}) as actual_amount
    from published
    left join won on published.month_start_on = won.month_start_on and published.segment_id = won.segment_id
    where published.recency = 1
    {%- endfor %}
),

-- The latest figure of each author that was known at the as-of date.
people as (
    select
        machines.origin, machines.as_of_date, machines.period_type, machines.period_start_on, machines.months_ahead,
        machines.segment_id, said.kind as predictor, said.category, said.author, said.is_entered_later,
        said.is_entered_afterwards, said.reporting_amount as forecast_amount, machines.actual_amount,
        row_number() over (
            partition by machines.origin, machines.as_of_date, machines.period_type, machines.period_start_on,
                machines.segment_id, said.kind, said.category, said.author
            order by said.submitted_at desc, said.submission_id desc
        ) as recency
    from machines
    inner join {{ ref('forecast_submissions') }} as said
        on machines.period_type = said.period_type and machines.period_start_on = said.period_start_on
        and machines.segment_id = said.segment_id and machines.as_of_date >= said.submitted_on
    where machines.predictor = 'naive' and said.owner_id is null and said.team_path is null
),

compared as (
    select
        origin, as_of_date, period_type, period_start_on, months_ahead, segment_id, predictor,
        cast(null as {{ dbt.type_string() }}) as category, cast(null as {{ dbt.type_string() }}) as author,
        false as is_entered_later, false as is_entered_afterwards, forecast_amount, actual_amount
    from machines
    union all
    select
        origin, as_of_date, period_type, period_start_on, months_ahead, segment_id, predictor, category, author,
        is_entered_later, is_entered_afterwards, forecast_amount, actual_amount
    from people
    where recency = 1 and forecast_amount is not null
)

select
    origin,
    as_of_date,
    period_type,
    period_start_on,
    months_ahead,
    segment_id,
    predictor,
    category,
    author,
    is_entered_later,
    is_entered_afterwards,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(forecast_amount as {{ type_money() }}) as forecast_amount,
    cast(actual_amount as {{ type_money() }}) as actual_amount,
    cast(forecast_amount - actual_amount as {{ type_money() }}) as error_amount
from compared
