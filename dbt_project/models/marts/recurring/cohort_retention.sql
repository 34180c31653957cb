-- Grain: one row per cohort month, months since then, and segment at the first payment ('(all)' for all of them).
-- The whole triangle up to the month of the as-of date. Amounts count at the rates of the cohort month; those without a
-- rate there are on neither side.
{{ config(pre_hook="{{ raise_work_memory() }}") }}
with months as (
    select month_start_on, month_end_on from {{ ref('int_mrr_months') }}
),

amounts as (
    select
        customer_id, currency_code, month_start_on, segment_id, first_paid_month_on, mrr_amount, mrr_reporting_amount
    from {{ ref('fct_mrr_monthly') }}
    where mrr_amount <> 0
),

firsts as (
    select customer_id, min(segment_id) as segment_id
    from amounts
    where month_start_on = first_paid_month_on
    group by customer_id
),

rates as (
    select rates.currency_code, months.month_start_on, rates.final_rate
    from months
    inner join {{ ref('int_exchange_rates_daily') }} as rates on months.month_end_on = rates.date_day
),

customers as (
    select
        amounts.first_paid_month_on as cohort_month_on,
        amounts.month_start_on,
        firsts.segment_id,
        bool_or(amounts.mrr_amount > 0) as is_paying,
        coalesce(
            sum(
                case
                    when amounts.mrr_amount = begun.mrr_amount then begun.mrr_reporting_amount
                    else {{ to_reporting('amounts.mrr_amount', 'rates.final_rate') }}
                end
            ), 0
        ) as amount,
        bool_or(rates.final_rate is null) as is_unconverted
    from amounts
    inner join firsts on amounts.customer_id = firsts.customer_id
    left join amounts as begun
        on amounts.customer_id = begun.customer_id and amounts.currency_code = begun.currency_code
        and begun.month_start_on = begun.first_paid_month_on
    left join rates
        on amounts.currency_code = rates.currency_code and amounts.first_paid_month_on = rates.month_start_on
    where amounts.month_start_on >= amounts.first_paid_month_on
    group by amounts.customer_id, amounts.first_paid_month_on, amounts.month_start_on, firsts.segment_id
),

summed as (
    {%- for segment, grouping in [('segment_id', ', segment_id'), ("'(all)'", '')] %}
    {{ 'union all' if not loop.first }}
    select
        cohort_month_on,
        month_start_on,
        {{ segment }} as segment_id,
        count(*) filter (where is_paying) as customer_count,
        count(*) filter (where is_paying and is_unconverted) as unconverted_customer_count,
        sum(amount) as amount
    from customers
    group by cohort_month_on, month_start_on{{ grouping }}
    {%- endfor %}
),

triangle as (
    select
        cohorts.month_start_on as cohort_month_on,
        months.month_start_on,
        months.month_end_on,
        {{ months_apart('cohorts.month_start_on', 'months.month_start_on') }} as months_since,
        segments.segment_id
    from months as cohorts
    inner join months on cohorts.month_start_on <= months.month_start_on
    cross join (select distinct segment_id from summed) as segments
    where cohorts.month_start_on >= (select min(cohort_month_on) from summed)
),

filled as (
    select
        triangle.*,
        {{ is_open_month('triangle') }} as is_open,
        {%- for name in ['customer_count', 'amount'] %}
        coalesce(begun.{{ name }}, 0) as opening_{{ name }},
        coalesce(summed.{{ name }}, 0) as closing_{{ name }},
        {%- endfor %}
        coalesce(summed.unconverted_customer_count, 0) as unconverted_customer_count
    from triangle
    left join summed
        on triangle.cohort_month_on = summed.cohort_month_on and triangle.month_start_on = summed.month_start_on
        and triangle.segment_id = summed.segment_id
    left join summed as begun
        on triangle.cohort_month_on = begun.cohort_month_on and triangle.cohort_month_on = begun.month_start_on
        and triangle.segment_id = begun.segment_id
)

select
    cohort_month_on,
    months_since,
    month_start_on,
    month_end_on,
    is_open,
    segment_id,
    {{ reporting_currency() }} as reporting_currency_code,
    opening_customer_count,
    closing_customer_count as paying_customer_count,
    unconverted_customer_count,
    {{ ratio('closing_customer_count', 'opening_customer_count') }} as logo_retention_rate,
    cast(opening_amount as {{ type_money() }}) as opening_amount,
    cast(closing_amount as {{ type_money() }}) as closing_amount,
    {{ ratio('closing_amount', positive('opening_amount')) }} as revenue_retention_rate
from filled
