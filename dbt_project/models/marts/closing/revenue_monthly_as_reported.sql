-- Grain: one row per customer, currency and month: as closed, and as known in the months that are open.
-- What became known of closed months later is the adjustment of the first month after a closing, so that what was
-- reported adds up to what is recognised to date.
{%- set figures = ['net_billed_amount', 'recognised_amount', 'recognised_reporting_amount', 'billed_to_date_amount',
    'recognised_to_date_amount', 'recognised_reporting_to_date_amount', 'closing_deferred_amount',
    'closing_unbilled_amount'] %}
{%- set openings = ['billed_to_date_amount', 'recognised_to_date_amount', 'recognised_reporting_to_date_amount'] %}
with reported as (
    select
        closed.month_start_on, closed.customer_id, closed.currency_code, {{ figures | join(', ') }}
    from {{ source('planning', 'closed_revenue') }} as closed
    inner join {{ ref('accounting_months') }} as months
        on closed.closing_id = months.closing_id and closed.month_start_on = months.month_start_on

    union all

    select
        known.month_start_on, known.customer_id, known.currency_code, {{ figures | join(', ') }}
    from {{ ref('revenue_to_date_monthly') }} as known
    inner join {{ ref('accounting_months') }} as months on known.month_start_on = months.month_start_on
    where not months.is_closed
),

parts as (
    select
        month_start_on, customer_id, currency_code, {{ figures | join(', ') }},
        recognised_reporting_amount is null as is_unconverted,
        {%- for name in openings %}
        0 as opening_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from reported

    union all

    -- What is to date at the end of a month opens the next one, also where nothing is left of it there.
    select
        cast({{ dbt.dateadd('month', 1, 'month_start_on') }} as date) as month_start_on,
        customer_id,
        currency_code,
        {%- for name in figures %}
        0 as {{ name }},
        {%- endfor %}
        false as is_unconverted,
        {%- for name in openings %}
        {{ name }} as opening_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from reported
),

summed as (
    select
        month_start_on,
        customer_id,
        currency_code,
        bool_or(is_unconverted) as is_unconverted,
        {%- for name in figures %}
        cast(sum({{ name }}) as {{ type_money() }}) as {{ name }},
        {%- endfor %}
        {%- for name in openings %}
        cast(sum(opening_{{ name }}) as {{ type_money() }}) as opening_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from parts
    group by month_start_on, customer_id, currency_code
)

select
    summed.month_start_on,
    months.month_end_on,
    summed.customer_id,
    summed.currency_code,
    months.is_closed,
    summed.net_billed_amount,
    cast(summed.billed_to_date_amount - summed.opening_billed_to_date_amount - summed.net_billed_amount
        as {{ type_money() }}) as billing_adjustment_amount,
    summed.recognised_amount,
    cast(summed.recognised_to_date_amount - summed.opening_recognised_to_date_amount - summed.recognised_amount
        as {{ type_money() }}) as adjustment_amount,
    cast(summed.recognised_to_date_amount - summed.opening_recognised_to_date_amount as {{ type_money() }})
        as reported_amount,
    months.reporting_currency_code,
    case when not summed.is_unconverted then summed.recognised_reporting_amount end as recognised_reporting_amount,
    cast(case when months.is_restated then 0 else
        summed.recognised_reporting_to_date_amount - summed.opening_recognised_reporting_to_date_amount
        - coalesce(summed.recognised_reporting_amount, 0)
    end as {{ type_money() }}) as adjustment_reporting_amount,
    summed.billed_to_date_amount,
    summed.recognised_to_date_amount,
    summed.closing_deferred_amount,
    summed.closing_unbilled_amount
from summed
inner join {{ ref('accounting_months') }} as months on summed.month_start_on = months.month_start_on
