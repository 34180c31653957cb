-- Grain: one row per invoice open at the as-of date; model columns are null until its predictions are published.
with runs as (
    select * from {{ source('scoring', 'published_runs') }} where as_of_date = {{ as_of_date() }}
),

predictions as (
    select predictions.*
    from {{ source('scoring', 'invoice_late_predictions') }} as predictions
    inner join runs on predictions.run_id = runs.run_id
),

open_invoices as (
    select *
    from {{ ref('ftr_invoices') }}
    where as_of_date = {{ as_of_date() }}
),

joined as (
    select
        open_invoices.*,
        predictions.late_probability,
        predictions.rung,
        predictions.model_version,
        {%- for name, share in {'p10': '0.9', 'p50': '0.5', 'p90': '0.1'}.items() %}
        {{ payment_day('cast(' ~ share ~ ' as ' ~ type_double() ~ ')', 'open_invoices.days_past_due',
                       'predictions.location_days', 'predictions.scale_days') }} as paid_{{ name }}_days
        {{- ',' if not loop.last }}
        {%- endfor %}
    from open_invoices
    left join predictions on open_invoices.invoice_id = predictions.invoice_id
)

select
    invoice_id,
    as_of_date,
    customer_key,
    segment_id as currency_code,
    issued_on,
    due_on,
    cast(days_past_due as integer) as days_past_due,
    days_past_due > 0 as is_overdue,
    total_amount,
    balance_amount,
    {{ reporting_currency() }} as reporting_currency_code,
    reporting_balance_amount,
    late_probability,
    cast(late_probability * cast(reporting_balance_amount as {{ type_double() }}) as {{ type_money() }})
        as late_risk_amount,
    {%- for name in ['p10', 'p50', 'p90'] %}
    {{ add_days('due_on', 'paid_' ~ name ~ '_days') }} as paid_{{ name }}_on,
    {%- endfor %}
    payer_late_rate,
    payer_days_past_due,
    rung,
    model_version
from joined
