-- Grain: one row per open invoice and as-of date.
-- All is as known on the date: whether it is disputed, paid, corrected or given up later is not.
-- The record of a payer is drawn to that of all payers, which counts as so many invoices of its own.
{%- set prior = var('invoice_delay_prior_count') %}
with open_invoices as (
    select * from {{ ref('int_invoices_open') }}
),

others as (
    select
        payer_id,
        as_of_date,
        count(*) as open_count,
        count(*) filter (where due_on < as_of_date) as overdue_count
    from open_invoices
    group by payer_id, as_of_date
),

records as (
    select
        *,
        {%- for name, company in {'late_count': 'company_late_rate', 'days_past_due': 'company_days_past_due',
                                  'squared_days_past_due': 'company_squared_days_past_due'}.items() %}
        (coalesce({{ name }}, 0) + {{ prior }} * {{ company }}) / (coalesce(paid_count, 0) + {{ prior }}) as {{
            name }}_mean{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_payer_records') }}
)

select
    open_invoices.invoice_id,
    open_invoices.as_of_date,
    open_invoices.customer_key,
    open_invoices.currency_code as segment_id,
    open_invoices.issued_on,
    open_invoices.due_on,
    open_invoices.total_amount,
    open_invoices.balance_amount,
    open_invoices.reporting_balance_amount,
    cast({{ days_between('open_invoices.issued_on', 'open_invoices.due_on') }} as {{ type_double() }})
        as payment_terms_days,
    cast({{ days_between('open_invoices.issued_on', 'open_invoices.as_of_date') }} as {{ type_double() }}) as age_days,
    cast({{ days_between('open_invoices.due_on', 'open_invoices.as_of_date') }} as {{ type_double() }})
        as days_past_due,
    ln(1 + cast(open_invoices.reporting_balance_amount as {{ type_double() }})) as log_amount,
    {{ ratio('open_invoices.balance_amount', 'open_invoices.total_amount') }} as open_share,
    ln(1 + records.paid_count) as log_paid_count,
    records.late_count_mean as payer_late_rate,
    records.days_past_due_mean as payer_days_past_due,
    -- greatest passes over a null, which is to stay one.
    case
        when records.days_past_due_mean is not null then sqrt(greatest(
            records.squared_days_past_due_mean - records.days_past_due_mean * records.days_past_due_mean, 0
        ))
    end as payer_spread_days,
    cast({{ days_between('records.latest_paid_on', 'open_invoices.as_of_date') }} as {{ type_double() }})
        as days_since_payment,
    records.company_days_past_due,
    cast(others.open_count as {{ type_double() }}) as payer_open_count,
    cast(others.overdue_count as {{ type_double() }}) as payer_overdue_count
from open_invoices
inner join others
    on open_invoices.payer_id = others.payer_id and open_invoices.as_of_date = others.as_of_date
inner join records
    on open_invoices.payer_id = records.payer_id and open_invoices.as_of_date = records.as_of_date
