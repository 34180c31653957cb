-- Grain: one row per customer, currency and month with recurring revenue, run or committed; and the month it ends.
{{ keep_by_customer('customer_id', is_large=true) }}

with amounts as (
    select
        customer_id,
        currency_code,
        month_start_on,
        mrr_amount,
        arr_amount,
        0 as committed_mrr_amount,
        mrr_reporting_amount,
        arr_reporting_amount,
        cast(null as {{ type_money() }}) as committed_mrr_reporting_amount
    from {{ ref('fct_mrr_items_monthly') }}
    where {{ is_changed('customer_id') }}

    union all

    select
        customer_id,
        currency_code,
        month_start_on,
        0 as mrr_amount,
        0 as arr_amount,
        committed_mrr_amount,
        null as mrr_reporting_amount,
        null as arr_reporting_amount,
        committed_mrr_reporting_amount
    from {{ ref('int_committed_mrr_monthly') }}
    where {{ is_changed('customer_id') }}
),

summed as (
    select
        customer_id,
        currency_code,
        month_start_on,
        {%- for name in ['mrr', 'arr', 'committed_mrr'] %}
        sum({{ name }}_amount) as {{ name }}_amount,
        sum({{ name }}_reporting_amount) as {{ name }}_reporting_amount,
        {%- endfor %}
        cast({{ dbt.dateadd('month', 1, 'month_start_on') }} as date) as following_month_on,
        lead(month_start_on) over (partition by customer_id, currency_code order by month_start_on) as next_month_on,
        min(case when sum(mrr_amount) > 0 then month_start_on end) over (
            partition by customer_id
        ) as first_paid_month_on
    from amounts
    group by customer_id, currency_code, month_start_on
),

-- The month in which it is gone is a row of its own.
steps as (
    select false as is_end
    union all
    select true as is_end
),

continued as (
    select
        summed.customer_id,
        summed.currency_code,
        case when steps.is_end then summed.following_month_on else summed.month_start_on end as month_start_on,
        {%- for name in ['mrr', 'arr', 'committed_mrr'] %}
        case when steps.is_end then 0 else summed.{{ name }}_amount end as {{ name }}_amount,
        summed.{{ name }}_reporting_amount,
        {%- endfor %}
        summed.first_paid_month_on
    from summed
    cross join steps
    where not steps.is_end
        or (summed.mrr_amount <> 0 and coalesce(summed.next_month_on > summed.following_month_on, true))
)

select
    continued.customer_id,
    continued.currency_code,
    continued.month_start_on,
    months.month_end_on,
    segments.account_id,
    coalesce(segments.segment_id, {{ unknown_segment() }}) as segment_id,
    {%- for name in ['mrr', 'arr', 'committed_mrr'] %}
    cast(continued.{{ name }}_amount as {{ type_money() }}) as {{ name }}_amount,
    {%- endfor %}
    -- Without a rate an amount has no counterpart; nothing is nothing in every currency.
    {%- for name in ['mrr', 'arr', 'committed_mrr'] %}
    cast(
        case when continued.{{ name }}_amount = 0 then 0 else continued.{{ name }}_reporting_amount end
        as {{ type_money() }}
    ) as {{ name }}_reporting_amount,
    {%- endfor %}
    continued.first_paid_month_on
from continued
-- The month after the as-of date's is in no list of months yet.
inner join {{ ref('int_mrr_months') }} as months on continued.month_start_on = months.month_start_on
left join {{ ref('int_customer_segment_spans') }} as segments
    on continued.customer_id = segments.customer_id
    and months.month_end_on >= segments.valid_from_on and months.month_end_on < segments.valid_to_on
