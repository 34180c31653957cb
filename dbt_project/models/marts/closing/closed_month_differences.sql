-- Grain: one row per figure, customer, currency and closed month in which what is known differs from what was reported.
with figures as (
    {%- for figure, name, known, closed in [
        ('mrr', 'mrr_amount', ref('fct_mrr_monthly'), source('planning', 'closed_mrr')),
        ('recognised', 'recognised_amount', ref('revenue_to_date_monthly'), source('planning', 'closed_revenue')),
        ('deferred', 'closing_deferred_amount', ref('revenue_to_date_monthly'), source('planning', 'closed_revenue')),
        ('unbilled', 'closing_unbilled_amount', ref('revenue_to_date_monthly'), source('planning', 'closed_revenue')),
    ] %}
    {{ 'union all' if not loop.first }}
    select
        '{{ figure }}' as figure,
        months.closing_id, known.month_start_on, known.customer_id, known.currency_code,
        0 as reported_amount,
        known.{{ name }} as known_amount
    from {{ known }} as known
    inner join {{ ref('accounting_months') }} as months on known.month_start_on = months.month_start_on
    where months.is_closed

    union all

    select
        '{{ figure }}' as figure,
        months.closing_id, closed.month_start_on, closed.customer_id, closed.currency_code,
        closed.{{ name }} as reported_amount,
        0 as known_amount
    from {{ closed }} as closed
    inner join {{ ref('accounting_months') }} as months
        on closed.closing_id = months.closing_id and closed.month_start_on = months.month_start_on
    {%- endfor %}
)

select
    figure,
    month_start_on,
    customer_id,
    currency_code,
    closing_id,
    cast(sum(reported_amount) as {{ type_money() }}) as reported_amount,
    cast(sum(known_amount) as {{ type_money() }}) as known_amount,
    cast(sum(known_amount) - sum(reported_amount) as {{ type_money() }}) as difference_amount
from figures
group by figure, month_start_on, customer_id, currency_code, closing_id
having sum(known_amount) <> sum(reported_amount)
