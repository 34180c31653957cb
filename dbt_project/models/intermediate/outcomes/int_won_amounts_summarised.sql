-- Grain: one row per segment and as-of date; segment_id (all) is the company.
-- What a won deal was typically worth over the trailing year, with amounts as they stood at the as-of
-- date and rates as they were known on the day of closing.
with won as (
    select
        dates.as_of_date,
        closings.segment_id,
        cast(spans.amount as {{ type_double() }}) * rates.known_rate as amount
    from {{ ref('int_deal_spans') }} as spans
    inner join {{ ref('int_as_of_dates') }} as dates
        on dates.as_of_date >= spans.first_as_of_date and dates.as_of_date < spans.valid_to_on
    inner join {{ ref('int_closings') }} as closings
        on spans.deal_id = closings.deal_id and spans.status_from_on = closings.run_from_on
    inner join {{ ref('int_exchange_rates_daily') }} as rates
        on spans.currency_code = rates.currency_code and closings.closed_on = rates.date_day
    where spans.is_won
        and spans.first_as_of_date < spans.valid_to_on
        and spans.amount is not null
        and dates.as_of_date < {{ add_days('closings.closed_on', 365) }}
)

{% for segment in ['segment_id', "'(all)'"] %}
select
    {{ segment }} as segment_id,
    as_of_date,
    percentile_cont(0.5) within group (order by amount) as median_won_amount,
    count(*) as won_deal_count
from won
group by {{ 'segment_id, ' if loop.first }}as_of_date
{% if not loop.last %}
union all
{% endif %}
{% endfor %}
