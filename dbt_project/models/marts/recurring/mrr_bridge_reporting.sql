-- Grain: one row per month and segment, in the reporting currency.
-- A customer's movements count in the segment of the opening; those of new and returned customers, and of who had
-- nothing at the opening, in that of the closing. Who changes segment takes along what it closes with, but for what
-- began in the month: transfer, which adds up to 0 over the segments. Amounts without a rate count as 0.
{%- set movements = ['new', 'expansion', 'reactivation', 'contraction', 'churn', 'fx'] %}
{%- set counts = ['new', 'reactivated', 'churned', 'transferred', 'closing', 'unconverted'] %}
with months as (
    select month_start_on, month_end_on, opening_on
    from {{ ref('int_mrr_months') }}
    where month_start_on >= (select min(month_start_on) from {{ ref('fct_mrr_monthly') }})
),

balances as (
    select
        month_start_on,
        segment_id,
        sum(mrr_reporting_amount) as closing_amount,
        sum(arr_reporting_amount) as arr_amount,
        sum(committed_mrr_reporting_amount) as committed_mrr_amount
    from {{ ref('fct_mrr_monthly') }}
    group by month_start_on, segment_id
),

placed as (
    {{ placed_movements('months') }}
),

moved as (
    select
        placed.month_start_on,
        coalesce(segments.segment_id, {{ unknown_segment() }}) as segment_id,
        {%- for movement in movements %}
        sum(placed.amount) filter (where placed.movement = '{{ movement }}') as {{ movement }}_amount,
        {%- endfor %}
        sum(placed.amount) filter (where placed.reason = 'missing_rate') as missing_rate_amount
    from placed
    left join {{ ref('int_customer_segment_spans') }} as segments
        on placed.customer_id = segments.customer_id
        and placed.placed_on >= segments.valid_from_on and placed.placed_on < segments.valid_to_on
    group by placed.month_start_on, coalesce(segments.segment_id, {{ unknown_segment() }})
),

-- Every customer leaves the segment of the opening and arrives in that of the closing, which mostly is the same.
passages as (
    {{ segment_passages() }}
),

passed as (
    select
        month_start_on,
        segment_id,
        sum(transfer_amount) as transfer_amount,
        {%- for name in counts %}
        sum({{ name }}_customer_count) as {{ name }}_customer_count{{ ',' if not loop.last }}
        {%- endfor %}
    from passages
    group by month_start_on, segment_id
),

segments as (
    select distinct segment_id from balances
    union
    select distinct segment_id from moved
),

filled as (
    select
        months.month_start_on,
        months.month_end_on,
        {{ is_open_month('months') }} as is_open,
        segments.segment_id,
        {%- for name in ['closing', 'arr', 'committed_mrr'] %}
        coalesce(balances.{{ name }}_amount, 0) as {{ name }}_amount,
        {%- endfor %}
        {%- for movement in movements + ['missing_rate'] %}
        coalesce(moved.{{ movement }}_amount, 0) as {{ movement }}_amount,
        {%- endfor %}
        coalesce(passed.transfer_amount, 0) as transfer_amount,
        {%- for name in counts %}
        coalesce(passed.{{ name }}_customer_count, 0) as {{ name }}_customer_count{{ ',' if not loop.last }}
        {%- endfor %}
    from segments
    cross join months
    {%- for part in ['balances', 'moved', 'passed'] %}
    left join {{ part }}
        on segments.segment_id = {{ part }}.segment_id and months.month_start_on = {{ part }}.month_start_on
    {%- endfor %}
)

select
    month_start_on,
    month_end_on,
    is_open,
    segment_id,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(coalesce(lag(closing_amount) over by_month, 0) as {{ type_money() }}) as opening_amount,
    {%- for name in movements + ['transfer', 'closing', 'missing_rate', 'arr', 'committed_mrr'] %}
    cast({{ name }}_amount as {{ type_money() }}) as {{ name }}_amount,
    {%- endfor %}
    cast(coalesce(lag(closing_customer_count) over by_month, 0) as {{ dbt.type_bigint() }})
        as opening_customer_count,
    {%- for name in counts %}
    cast({{ name }}_customer_count as {{ dbt.type_bigint() }}) as {{ name }}_customer_count{{ ',' if not loop.last }}
    {%- endfor %}
from filled
window by_month as (partition by segment_id order by month_start_on)
