-- Grain: one row per customer, currency and month, from the first document or revenue to the month of the as-of date.
-- opening deferred - opening unbilled + billed + corrected + voided - recognised = closing deferred - closing unbilled.
with moved as (
    select
        lines.customer_id,
        lines.currency_code,
        periods.month_start_on,
        {%- for name in ['issued', 'corrected', 'voided', 'recognised', 'deferred', 'unbilled'] %}
        sum(periods.{{ name }}_amount) as {{ name }}_amount{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_revenue_periods') }} as periods
    inner join {{ ref('int_revenue_lines') }} as lines on periods.revenue_line_id = lines.revenue_line_id
    where periods.period_end_on <= {{ as_of_date() }}
    group by lines.customer_id, lines.currency_code, periods.month_start_on
),

calendar as (
    select month_start_on, max(date_day) as month_end_on
    from {{ ref('dim_date') }}
    where date_day <= {{ as_of_date() }}
    group by month_start_on
),

months as (
    select begun.customer_id, begun.currency_code, calendar.month_start_on, calendar.month_end_on
    from (
        select customer_id, currency_code, min(month_start_on) as begins_on from moved
        group by customer_id, currency_code
    ) as begun
    inner join calendar on calendar.month_start_on >= begun.begins_on
),

carried as (
    select
        months.*,
        {%- for name in ['issued', 'corrected', 'voided', 'recognised', 'deferred', 'unbilled'] %}
        cast(coalesce(moved.{{ name }}_amount, 0) as {{ type_money() }}) as {{ name }}_amount,
        {%- endfor %}
        cast(sum(coalesce(moved.deferred_amount, 0)) over passed as {{ type_money() }}) as closing_deferred_amount,
        cast(sum(coalesce(moved.unbilled_amount, 0)) over passed as {{ type_money() }}) as closing_unbilled_amount
    from months
    left join moved
        on coalesce(months.customer_id, '') = coalesce(moved.customer_id, '')
        and coalesce(months.currency_code, '') = coalesce(moved.currency_code, '')
        and months.month_start_on = moved.month_start_on
    window passed as (partition by months.customer_id, months.currency_code order by months.month_start_on)
)

select
    month_start_on,
    month_end_on,
    customer_id,
    currency_code,
    cast(closing_deferred_amount - deferred_amount as {{ type_money() }}) as opening_deferred_amount,
    issued_amount as billed_amount,
    corrected_amount,
    voided_amount,
    recognised_amount,
    unbilled_amount as unbilled_change_amount,
    closing_deferred_amount,
    cast(closing_unbilled_amount - unbilled_amount as {{ type_money() }}) as opening_unbilled_amount,
    closing_unbilled_amount
from carried
