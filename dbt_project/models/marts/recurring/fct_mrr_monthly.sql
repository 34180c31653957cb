-- Grain: one row per customer, currency and month with recurring revenue, run or committed; and the month it ends.
{{ keep_by_customer('customer_id', indexed_by=['customer_id']) }}

with amounts as (
    select
        customer_id,
        currency_code,
        month_start_on,
        sum(mrr_amount) as mrr_amount,
        sum(arr_amount) as arr_amount,
        sum(mrr_reporting_amount) as mrr_reporting_amount,
        sum(arr_reporting_amount) as arr_reporting_amount,
        0 as committed_mrr_amount,
        cast(null as {{ type_money() }}) as committed_mrr_reporting_amount
    from {{ ref('fct_mrr_items_monthly') }}
    where {{ is_changed('customer_id') }}
    group by customer_id, currency_code, month_start_on

    union all

    select
        customer_id,
        currency_code,
        month_start_on,
        0 as mrr_amount,
        0 as arr_amount,
        null as mrr_reporting_amount,
        null as arr_reporting_amount,
        committed_mrr_amount,
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
        lead(month_start_on) over (partition by customer_id, currency_code order by month_start_on) as next_month_on
    from amounts
    group by customer_id, currency_code, month_start_on
),

continued as (
    select
        customer_id, currency_code, month_start_on, mrr_amount, arr_amount, committed_mrr_amount,
        mrr_reporting_amount, arr_reporting_amount, committed_mrr_reporting_amount
    from summed

    union all

    -- The month in which it is gone.
    select
        summed.customer_id,
        summed.currency_code,
        months.month_start_on,
        {%- for name in ['mrr', 'arr', 'committed_mrr'] %}
        0 as {{ name }}_amount,
        {%- endfor %}
        {%- for name in ['mrr', 'arr', 'committed_mrr'] %}
        0 as {{ name }}_reporting_amount{{ ',' if not loop.last }}
        {%- endfor %}
    from summed
    inner join {{ ref('int_mrr_months') }} as months
        on months.month_start_on = cast({{ dbt.dateadd('month', 1, 'summed.month_start_on') }} as date)
    where summed.mrr_amount <> 0
        and (summed.next_month_on is null or summed.next_month_on > months.month_start_on)
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
    min(case when continued.mrr_amount > 0 then continued.month_start_on end) over (
        partition by continued.customer_id
    ) as first_paid_month_on
from continued
inner join {{ ref('int_mrr_months') }} as months on continued.month_start_on = months.month_start_on
left join {{ ref('int_customer_segment_spans') }} as segments
    on continued.customer_id = segments.customer_id
    and months.month_end_on >= segments.valid_from_on and months.month_end_on < segments.valid_to_on
