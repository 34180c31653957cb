-- Grain: one row per as-of date and segment; segment_id (all) is the company.
-- Closings of the trailing year as known at the date, won deals at the amount they were won at and the rate of the day.
with closings as (
    select
        dates.as_of_date,
        closings.deal_id,
        closings.segment_id,
        closings.is_won,
        case when closings.is_won then {{ converted('spans.amount', 'rates.known_rate') }} end as won_amount,
        case
            when closings.is_won
                then cast({{ days_between('deals.created_on', 'closings.closed_on') }} as {{ type_double() }})
        end as cycle_days
    from {{ ref('int_closings') }} as closings
    inner join {{ ref('int_as_of_dates') }} as dates
        on dates.as_of_date >= closings.enters_on
        and dates.as_of_date < coalesce(closings.leaves_year_on, {{ end_of_time() }})
    inner join {{ ref('int_deals_identified') }} as deals on closings.deal_id = deals.deal_id
    left join {{ ref('int_deal_spans') }} as spans
        on closings.deal_id = spans.deal_id and closings.run_from_on = spans.valid_from_on
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on spans.currency_code = rates.currency_code and closings.closed_on = rates.date_day
),

counted as (
    {%- for segment in ['segment_id', "'(all)'"] %}
    select
        as_of_date, {{ segment }} as segment_id, count(*) as open_deal_count, 0 as won_deal_count, 0 as lost_deal_count,
        0 as priced_deal_count, cast(null as {{ type_money() }}) as won_amount,
        cast(null as {{ type_double() }}) as average_cycle_days
    from {{ ref('int_deals_as_of') }}
    group by as_of_date{{ ', segment_id' if loop.first }}
    union all
    select
        as_of_date, {{ segment }} as segment_id, 0 as open_deal_count, count(*) filter (where is_won) as won_deal_count,
        count(*) filter (where not is_won) as lost_deal_count, count(won_amount) as priced_deal_count,
        sum(won_amount) as won_amount, avg(cycle_days) as average_cycle_days
    from closings
    group by as_of_date{{ ', segment_id' if loop.first }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

summed as (
    select
        as_of_date,
        segment_id,
        {%- for name in ['open_deal', 'won_deal', 'lost_deal', 'priced_deal'] %}
        cast(sum({{ name }}_count) as {{ dbt.type_bigint() }}) as {{ name }}_count,
        {%- endfor %}
        max(won_amount) as won_amount,
        max(average_cycle_days) as average_cycle_days
    from counted
    group by as_of_date, segment_id
),

measured as (
    select
        *,
        {{ ratio('won_deal_count', 'won_deal_count + lost_deal_count') }} as win_rate,
        {{ ratio('won_amount', 'priced_deal_count') }} as average_won_amount
    from summed
)

select
    as_of_date,
    segment_id,
    open_deal_count,
    won_deal_count,
    lost_deal_count,
    win_rate,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(average_won_amount as {{ type_money() }}) as average_won_amount,
    won_deal_count - priced_deal_count as won_without_amount_count,
    average_cycle_days,
    cast({{ ratio('open_deal_count * win_rate * average_won_amount', 'average_cycle_days') }} as {{ type_money() }})
        as velocity_amount
from measured
