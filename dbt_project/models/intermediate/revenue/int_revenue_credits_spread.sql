-- Grain: one row per credit of a whole invoice and line of that invoice which it reduces.
-- Credits that name no line and no period are spread over the lines that charge, in proportion to their amounts;
-- the cents that are left go to the largest remainders, so that the parts are the credit.
with charges as (
    select * from {{ ref('int_revenue_documents') }}
    where line_kind = 'invoice_line' and amount > 0
        and (corrected_line_id is null or (service_started_on is not null and service_ended_on is not null))
),

spread as (
    select
        credits.revenue_line_id,
        charges.revenue_line_id as changed_line_id,
        -credits.amount as credit_amount,
        cast(-credits.amount as decimal(28, 10)) * charges.amount
        / sum(charges.amount) over (partition by credits.revenue_line_id) as exact_amount
    from {{ ref('int_revenue_documents') }} as credits
    inner join charges
        on credits.invoice_id = charges.invoice_id
        and credits.currency_code is not distinct from charges.currency_code
    where credits.line_kind in ('credit_note', 'credit_note_line') and credits.amount < 0
        and credits.corrected_line_id is null
        and (credits.service_started_on is null or credits.service_ended_on is null)
),

floored as (
    select
        *,
        -- Remainders are compared to eight digits: the division behind them is not exact.
        round(exact_amount * 100, 8) - floor(round(exact_amount * 100, 8)) as remainder,
        floor(round(exact_amount * 100, 8)) as whole_cents
    from spread
),

ranked as (
    select
        *,
        row_number() over (partition by revenue_line_id order by remainder desc, changed_line_id) as remainder_rank,
        sum(whole_cents) over (partition by revenue_line_id) as given_cents
    from floored
)

select
    revenue_line_id,
    changed_line_id,
    cast(-(
        whole_cents + case when remainder_rank <= round(credit_amount * 100) - given_cents then 1 else 0 end
    ) / 100.0 as {{ type_money() }}) as amount
from ranked
