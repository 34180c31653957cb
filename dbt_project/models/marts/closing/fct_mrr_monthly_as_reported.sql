-- Grain: one row per customer, currency and month: as closed, and as known in the months that are open.
{{ config(materialized='view') }}

{%- set columns = ['customer_id', 'currency_code', 'month_start_on', 'account_id', 'segment_id', 'mrr_amount',
    'arr_amount', 'committed_mrr_amount', 'mrr_reporting_amount', 'arr_reporting_amount',
    'committed_mrr_reporting_amount', 'first_paid_month_on'] %}

select
    {%- for name in columns %}
    closed.{{ name }},
    {%- endfor %}
    months.is_closed,
    months.reporting_currency_code
from {{ source('planning', 'closed_mrr') }} as closed
inner join {{ ref('accounting_months') }} as months
    on closed.closing_id = months.closing_id and closed.month_start_on = months.month_start_on

union all

select
    {%- for name in columns %}
    known.{{ name }},
    {%- endfor %}
    months.is_closed,
    months.reporting_currency_code
from {{ ref('fct_mrr_monthly') }} as known
inner join {{ ref('accounting_months') }} as months on known.month_start_on = months.month_start_on
where not months.is_closed
