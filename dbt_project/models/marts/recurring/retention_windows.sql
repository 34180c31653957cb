-- Grain: one row per kind of window, month at whose end it ends, segment at its start and at its end, and cohort.
-- What customers had at the start and at the end of a month and of the trailing months, in the reporting currency: the
-- sums that retention is made of. A customer's end is measured at the rates of the start; amounts without a rate there
-- are on neither side. The segment at a side without recurring revenue is null. Who pays has recurring revenue above 0
-- in some currency; negative recurring revenue of those who do not pay is in carried_amount alone.
{{ config(pre_hook="{{ raise_work_memory() }}") }}
with amounts as (
    select
        customer_id, currency_code, month_start_on, segment_id, first_paid_month_on, mrr_amount, mrr_reporting_amount
    from {{ ref('fct_mrr_monthly') }}
    where mrr_amount <> 0
),

-- Only what is in several currencies has to be added up by customer, which is most of the work.
several as (
    select customer_id
    from amounts
    group by customer_id
    having min(currency_code) <> max(currency_code)
),

rates as (
    select rates.currency_code, months.month_start_on, rates.final_rate
    from {{ ref('int_mrr_months') }} as months
    inner join {{ ref('int_exchange_rates_daily') }} as rates on months.month_end_on = rates.date_day
    where rates.final_rate is not null
),

-- As in fct_mrr_movements_reporting, by currency.
moved as (
    select
        customer_id,
        currency_code,
        period_start_on as month_start_on,
        sum(part_reporting_amount) filter (where movement in ('change', 'churn')) as moved_amount,
        sum(part_reporting_amount) filter (where movement in ('new', 'reactivation')) as begun_amount
    from {{ ref('int_mrr_parts') }}
    where period = 'month'
    group by customer_id, currency_code, period_start_on
),

{{ customer_windows('month', 1) }},

{{ customer_windows('trailing', retention_window_months()) }},

customers as (
    select *, not was_paying and is_paying and cohort_month_on > opening_month_on as is_new from month_customers
    union all
    select *, not was_paying and is_paying and cohort_month_on > opening_month_on as is_new from trailing_customers
)

select
    window_kind,
    month_start_on,
    opening_month_on,
    opening_segment_id,
    closing_segment_id,
    cohort_month_on,
    {%- for name, condition in [
        ('opening', 'was_paying'),
        ('retained', 'was_paying and is_paying'),
        ('churned', 'was_paying and not is_paying'),
        ('unconverted', 'was_paying and is_unconverted'),
        ('new', 'is_new'),
        ('reactivated', 'not was_paying and is_paying and not is_new'),
        ('paying', 'is_paying'),
        ('converted', 'is_paying and is_converted'),
        ('unconverted_closing', 'is_paying and is_unconverted_closing'),
    ] %}
    count(*) filter (where {{ condition }}) as {{ name }}_customer_count,
    {%- endfor %}
    {%- for name, amount, condition in [
        ('opening', 'opening_amount', 'was_paying'),
        ('retained', 'least(opening_amount, closing_amount)', 'was_paying'),
        ('expansion', 'greatest(closing_amount - opening_amount, 0)', 'was_paying'),
        ('contraction', 'least(closing_amount - opening_amount, 0)', 'was_paying and is_paying'),
        ('churn', 'least(closing_amount - opening_amount, 0)', 'was_paying and not is_paying'),
        ('closing', 'closing_amount', 'was_paying'),
        ('new', 'paying_amount', 'is_new'),
        ('reactivation', 'paying_amount', 'not was_paying and is_paying and not is_new'),
        ('mrr', 'paying_amount', 'is_paying'),
        ('carried', 'carried_amount', 'true'),
    ] %}
    cast(coalesce(sum({{ amount }}) filter (where {{ condition }}), 0) as {{ type_money() }})
        as {{ name }}_amount{{ ',' if not loop.last }}
    {%- endfor %}
from customers
group by window_kind, month_start_on, opening_month_on, opening_segment_id, closing_segment_id, cohort_month_on
