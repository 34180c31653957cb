-- name: open_invoices
-- An invoice whose currency has no rate has no amount, and is left out.
select
    f.days_past_due,
    f.payment_terms_days,
    f.reporting_balance_amount::double precision as amount,
    p.location_days,
    p.scale_days,
    p.rung,
    p.model_version
from features.ftr_invoices as f
left join (
    select predictions.*
    from scoring.invoice_late_predictions as predictions
    inner join scoring.published_runs as runs on predictions.run_id = runs.run_id
    where runs.as_of_date = %(as_of)s::date
) as p on f.invoice_id = p.invoice_id
where f.as_of_date = %(as_of)s::date and f.reporting_balance_amount is not null
order by f.invoice_id

-- name: revenue_flows
select flow, month_start_on, period_months, amount
from features.ftr_revenue_flows
where as_of_date = %(as_of)s::date

-- name: bookings
-- What is still to be won, of the forecast of the same date.
select
    f.month_start_on,
    f.mean_amount - f.closed_amount as mean,
    (
        select avg(p.month_correlation)
        from scoring.revenue_forecast_parts as p
        where p.run_id = f.run_id
    ) as month_correlation
from scoring.revenue_forecasts as f
inner join scoring.published_runs as r on f.run_id = r.run_id
where r.as_of_date = %(as_of)s::date and f.segment_id = '(all)' and f.month_start_on >= %(first)s::date
order by f.month_start_on

-- name: bookings_quantiles
select
    f.month_start_on,
    q.probability,
    greatest(q.amount - f.closed_amount, 0) as amount
from scoring.revenue_forecasts as f
inner join scoring.published_runs as r on f.run_id = r.run_id
inner join scoring.revenue_forecast_quantiles as q
    on f.run_id = q.run_id and f.segment_id = q.segment_id and f.month_start_on = q.period_start_on
where r.as_of_date = %(as_of)s::date and f.segment_id = '(all)' and f.month_start_on >= %(first)s::date
    and q.period_type = 'month'
order by f.month_start_on, q.probability
