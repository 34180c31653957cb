-- When open invoices are paid, and the cash that follows. Like other predictions: one partition per run.
create table scoring.invoice_late_predictions (
    run_id bigint not null,
    as_of_date date not null,
    invoice_id text not null,
    late_probability double precision not null check (late_probability between 0 and 1),
    location_days double precision not null,
    scale_days double precision not null check (scale_days > 0),
    rung text not null,
    model_version text not null,
    features_hash bigint
) partition by list (run_id);

-- One row per week and per month; the row without an end is what comes after the last of them.
create table scoring.cash_forecasts (
    run_id bigint not null,
    as_of_date date not null,
    period text not null check (period in ('week', 'month')),
    period_start_on date not null,
    period_end_on date,
    due_amount double precision not null,
    mean_amount double precision not null,
    p10_amount double precision,
    p50_amount double precision,
    p90_amount double precision,
    rung text not null,
    model_version text not null,
    check (p10_amount <= p50_amount and p50_amount <= p90_amount)
) partition by list (run_id);

-- From deals to cash by month: of what is won, billed, recognised and paid, the parts and their total, '(all)'.
create table scoring.revenue_chains (
    run_id bigint not null,
    as_of_date date not null,
    stage text not null check (stage in ('bookings', 'billings', 'revenue', 'cash')),
    part text not null check (part in ('issued', 'running', 'new', '(all)')),
    month_start_on date not null,
    mean_amount double precision not null,
    p10_amount double precision not null,
    p50_amount double precision not null,
    p90_amount double precision not null,
    model_version text not null,
    check (p10_amount <= p50_amount and p50_amount <= p90_amount)
) partition by list (run_id);

comment on table scoring.invoice_late_predictions is 'Probability that an open invoice is paid after its due date, and the distribution of the day it is paid.';
comment on table scoring.cash_forecasts is 'Expected cash from open invoices by week and month, in the reporting currency.';
comment on table scoring.revenue_chains is 'Bookings, billings, revenue and cash to come by month, in the reporting currency.';
