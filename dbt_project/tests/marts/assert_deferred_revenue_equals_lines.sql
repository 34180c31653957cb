-- What the roll-forward ends with is what the lines have left, and what it recognised is their revenue, by currency.
with rolled as (
    select
        coalesce(currency_code, '(none)') as currency_code,
        sum(case when month_end_on = {{ as_of_date() }} then closing_deferred_amount else 0 end) as deferred_amount,
        sum(case when month_end_on = {{ as_of_date() }} then closing_unbilled_amount else 0 end) as unbilled_amount,
        sum(billed_amount + corrected_amount + voided_amount) as billed_amount,
        sum(recognised_amount) as recognised_amount
    from {{ ref('deferred_revenue_monthly') }}
    group by coalesce(currency_code, '(none)')
),

lines as (
    select
        coalesce(currency_code, '(none)') as currency_code,
        sum(deferred_amount) as deferred_amount,
        sum(unbilled_amount) as unbilled_amount,
        sum(billed_amount) as billed_amount,
        sum(recognised_amount) as recognised_amount
    from {{ ref('fct_revenue_lines') }}
    group by coalesce(currency_code, '(none)')
)

select lines.*, rolled.deferred_amount as rolled_deferred_amount
from lines
left join rolled on lines.currency_code = rolled.currency_code
where lines.deferred_amount <> coalesce(rolled.deferred_amount, 0)
    or lines.unbilled_amount <> coalesce(rolled.unbilled_amount, 0)
    or lines.billed_amount <> coalesce(rolled.billed_amount, 0)
    or lines.recognised_amount <> coalesce(rolled.recognised_amount, 0)
