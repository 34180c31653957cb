-- Grain: one row per month: receivables of all currencies in the reporting currency, at the rate of the month's end.
-- What has no rate is in no sum, and counted: unconverted_currency_count currencies are missing from the row.
with converted as (
    select
        monthly.month_start_on,
        monthly.month_end_on,
        rates.final_rate is null as is_unconverted,
        monthly.closing_amount <> 0 or monthly.billed_recently_amount <> 0 as is_used,
        monthly.recent_day_count,
        {%- for name in ['open', 'overdue', 'on_account', 'billed_recently'] %}
        cast(cast(monthly.{{ name }}_amount as {{ type_double() }}) * rates.final_rate as {{ type_money() }})
            as {{ name }}_amount{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('receivables_monthly') }} as monthly
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on monthly.currency_code = rates.currency_code and monthly.month_end_on = rates.date_day
),

summed as (
    select
        month_start_on,
        month_end_on,
        max(recent_day_count) as recent_day_count,
        count(*) filter (where is_unconverted and is_used) as unconverted_currency_count,
        {%- for name in ['open', 'overdue', 'on_account', 'billed_recently'] %}
        coalesce(sum({{ name }}_amount), 0) as {{ name }}_amount{{ ',' if not loop.last }}
        {%- endfor %}
    from converted
    group by month_start_on, month_end_on
)

select
    month_start_on,
    month_end_on,
    {{ reporting_currency() }} as reporting_currency_code,
    {%- for name in ['open', 'overdue', 'on_account', 'billed_recently'] %}
    cast({{ name }}_amount as {{ type_money() }}) as {{ name }}_reporting_amount,
    {%- endfor %}
    cast(open_amount + on_account_amount as {{ type_money() }}) as receivable_reporting_amount,
    {{ ratio('overdue_amount', 'open_amount') }} as overdue_rate,
    case when billed_recently_amount > 0
        then {{ ratio('open_amount + on_account_amount', 'billed_recently_amount') }} * recent_day_count
    end as days_sales_outstanding,
    cast(unconverted_currency_count as bigint) as unconverted_currency_count
from summed
