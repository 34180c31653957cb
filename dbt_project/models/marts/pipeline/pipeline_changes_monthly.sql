-- Grain: one row per month, fiscal quarter of the expected close, owner, segment, currency and cause.
-- The same as metrics.pipeline_change from the as-of date before to that of the month, with each quarter as the window:
-- what is pushed out of one quarter is pulled into another. opening + changes = closing over any grouping of a month.
with periods as (
    select
        month_start_on,
        as_of_date as closing_on,
        lag(as_of_date) over (order by as_of_date) as opening_on
    from {{ ref('int_as_of_dates') }}
),

quarters as (
    select date_day, fiscal_quarter_start_on as quarter_on from {{ ref('int_dates_spined') }}
),

rates as (
    select rates.currency_code, rates.date_day, rates.known_rate
    from {{ ref('int_exchange_rates_daily') }} as rates
    inner join {{ ref('int_as_of_dates') }} as dates on rates.date_day = dates.as_of_date
),

spans as (
    select *, {{ first_as_of('valid_from_on') }} as first_as_of_date from {{ ref('pipeline_spans') }}
),

balances as (
    select
        dates.as_of_date,
        spans.currency_code,
        spans.owner_id,
        spans.segment_id,
        quarters.quarter_on,
        spans.amount,
        {{ converted('spans.amount', 'rates.known_rate') }} as reporting_amount
    from spans
    inner join {{ ref('int_as_of_dates') }} as dates
        on dates.as_of_date >= spans.first_as_of_date and dates.as_of_date < spans.valid_to_on
    left join quarters on spans.expected_close_on = quarters.date_day
    left join rates on spans.currency_code = rates.currency_code and dates.as_of_date = rates.date_day
    where spans.first_as_of_date < spans.valid_to_on
),

events as (
    select
        changes.*,
        {{ first_as_of('changes.changed_on') }} as closing_on,
        quarters_before.quarter_on as previous_quarter_on,
        quarters_after.quarter_on,
        changes.cause in ('pulled_in', 'pushed_out') as is_shift,
        coalesce(quarters_before.quarter_on = quarters_after.quarter_on,
            quarters_before.quarter_on is null and quarters_after.quarter_on is null) as is_same_quarter
    from {{ ref('fct_pipeline_changes') }} as changes
    left join quarters as quarters_before on changes.previous_expected_close_on = quarters_before.date_day
    left join quarters as quarters_after on changes.expected_close_on = quarters_after.date_day
),

-- An event takes a deal as it was out of the pipeline, and puts it back as it is.
legs as (
    {%- set sides = [(-1, 'previous_', 'pushed_out', 'was_open'), (1, '', 'pulled_in', 'is_open')] %}
    {%- for sign, previous, cause, taken in sides %}
    select
        closing_on,
        case when is_shift then '{{ cause }}' else cause end as cause,
        {%- for name in ['currency_code', 'owner_id', 'segment_id', 'quarter_on'] %}
        {{ previous }}{{ name }}{{ ' as ' ~ name if previous }},
        {%- endfor %}
        {{ '1' if sign == 1 else 'case when is_open and not is_shift then 0 else 1 end' }} as event_count,
        {{ sign }} as deal_count,
        {{ '-previous_amount as amount' if sign == -1 else 'amount' }}
    from events
    where {{ taken }} and not (is_shift and is_same_quarter)
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

parts as (
    {%- for cause in ['opening', 'closing'] %}
    select
        periods.closing_on, '{{ cause }}' as cause, balances.currency_code, balances.owner_id, balances.segment_id,
        balances.quarter_on, 0 as event_count, 1 as deal_count, balances.amount, balances.reporting_amount,
        case when balances.amount is not null and balances.reporting_amount is null then 1 else 0 end
            as deal_without_rate_count
    from balances
    inner join periods on balances.as_of_date = periods.{{ cause }}_on
    union all
    {%- endfor %}
    select
        periods.closing_on, case when balances.reporting_amount is null or rates.known_rate is null then 'rate_missing'
            else 'fx' end as cause, balances.currency_code, balances.owner_id, balances.segment_id, balances.quarter_on,
        0 as event_count, 0 as deal_count, 0 as amount,
        coalesce({{ converted('balances.amount', 'rates.known_rate') }}, 0)
            - coalesce(balances.reporting_amount, 0) as reporting_amount, 0 as deal_without_rate_count
    from balances
    inner join periods on balances.as_of_date = periods.opening_on
    left join rates on balances.currency_code = rates.currency_code and periods.closing_on = rates.date_day
    where {{ converted('balances.amount', 'rates.known_rate') }} is distinct from balances.reporting_amount
    union all
    select
        legs.closing_on, legs.cause, legs.currency_code, legs.owner_id, legs.segment_id, legs.quarter_on,
        legs.event_count, legs.deal_count, legs.amount, {{ converted('legs.amount', 'rates.known_rate') }}
            as reporting_amount, 0 as deal_without_rate_count
    from legs
    left join rates on legs.currency_code = rates.currency_code and legs.closing_on = rates.date_day
)

select
    periods.month_start_on, periods.opening_on, periods.closing_on, parts.quarter_on as close_quarter_start_on,
    parts.owner_id, parts.segment_id, parts.currency_code, parts.cause,
    cast(sum(parts.event_count) as {{ dbt.type_bigint() }}) as event_count,
    cast(sum(parts.deal_count) as {{ dbt.type_bigint() }}) as deal_count,
    cast(sum(parts.deal_without_rate_count) as {{ dbt.type_bigint() }}) as deal_without_rate_count,
    cast(coalesce(sum(parts.amount), 0) as {{ type_money() }}) as amount,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(coalesce(sum(parts.reporting_amount), 0) as {{ type_money() }}) as reporting_amount
from parts
inner join periods on parts.closing_on = periods.closing_on and periods.opening_on is not null
group by
    periods.month_start_on, periods.opening_on, periods.closing_on, parts.quarter_on, parts.owner_id,
    parts.segment_id, parts.currency_code, parts.cause
