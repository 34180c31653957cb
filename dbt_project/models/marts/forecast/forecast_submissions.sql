-- Grain: one row per figure that a person gave, known by the end of the as-of date.
with known as (
    select
        *,
        {{ local_date('submitted_at') }} as submitted_on,
        {{ local_date('entered_at') }} as entered_on,
        row_number() over (
            partition by kind, category, period_type, period_start_on, segment_id, owner_id, team_path, author
            order by submitted_at desc, submission_id desc
        ) as recency
    from {{ source('planning', 'forecast_submissions') }}
    where {{ local_date('submitted_at') }} <= {{ as_of_date() }}
),

-- A quarter that begins where no fiscal quarter does has no end.
dated as (
    select
        known.*,
        case
            when known.period_type = 'month' then dates.month_end_on
            when dates.fiscal_quarter_start_on = known.period_start_on then dates.fiscal_quarter_end_on
        end as period_end_on
    from known
    left join {{ ref('dim_date') }} as dates on known.period_start_on = dates.date_day
)

select
    dated.submission_id,
    dated.kind,
    dated.category,
    dated.period_type,
    dated.period_start_on,
    dated.period_end_on,
    dated.segment_id,
    dated.owner_id,
    dated.team_path,
    dated.author,
    dated.submitted_at,
    dated.submitted_on,
    dated.entered_on,
    {{ days_between('dated.submitted_on', 'dated.entered_on') }} as entered_days_later,
    dated.recency = 1 as is_latest,
    dated.entered_on > dated.submitted_on as is_entered_later,
    coalesce(dated.entered_on > dated.period_end_on, false) as is_entered_afterwards,
    cast(dated.amount as {{ type_money() }}) as amount,
    dated.currency_code,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(dated.amount * rates.known_rate as {{ type_money() }}) as reporting_amount,
    dated.note
from dated
left join {{ ref('int_exchange_rates_daily') }} as rates
    on dated.currency_code = rates.currency_code and rates.date_day = {{ as_of_date() }}
