-- Grain: one row per supplier and currency with anything open on the as-of date.
with balances as (
    select
        *,
        {{ days_between('due_on', as_of_date()) }} as overdue_days
    from {{ ref('payable_balances') }}
    where valid_from_on <= {{ as_of_date() }} and valid_to_on > {{ as_of_date() }}
),

aged as (
    select
        supplier_id,
        max(supplier_name) as supplier_name,
        currency_code,
        {{ aging_sums('balance_amount', 'overdue_days', 'is_open') | indent(8) }}
    from balances
    group by supplier_id, currency_code
),

rates as (
    select currency_code, final_rate
    from {{ ref('int_exchange_rates_daily') }}
    where date_day = {{ as_of_date() }}
)

select
    {{ as_of_date() }} as as_of_date,
    aged.supplier_id,
    aged.supplier_name,
    aged.currency_code,
    {%- for name, first, last in aging_buckets() %}
    aged.{{ name }}_amount,
    {%- endfor %}
    aged.open_amount,
    aged.overdue_amount,
    aged.on_account_amount,
    cast(aged.open_amount + aged.on_account_amount as {{ type_money() }}) as payable_amount,
    aged.open_count as open_bill_count,
    aged.overdue_count as overdue_bill_count,
    aged.oldest_due_on,
    aged.oldest_overdue_days,
    {{ reporting_currency() }} as reporting_currency_code,
    {%- for name in ['open', 'overdue', 'on_account'] %}
    cast(cast(aged.{{ name }}_amount as {{ type_double() }}) * rates.final_rate as {{ type_money() }})
        as {{ name }}_reporting_amount{{ ',' if not loop.last }}
    {%- endfor %}
from aged
left join rates on aged.currency_code = rates.currency_code
