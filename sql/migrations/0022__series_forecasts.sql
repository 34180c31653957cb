-- Time-series forecasts and how they did at past origins: one partition per run, both attached when complete.
create table scoring.series_forecasts (
    run_id bigint not null,
    as_of_date date not null,
    measure text not null,
    segment_id text not null,
    month_start_on date not null,
    months_ahead integer not null check (months_ahead >= 1),
    method text not null,
    rung text not null check (rung in ('naive', 'seasonal_naive', 'statistical', 'model')),
    mean_amount double precision not null,
    p10_amount double precision,
    p50_amount double precision,
    p90_amount double precision,
    check (p10_amount <= p50_amount and p50_amount <= p90_amount)
) partition by list (run_id);

create table scoring.series_backtests (
    run_id bigint not null,
    as_of_date date not null,
    measure text not null,
    segment_id text not null,
    origin_on date not null,
    month_start_on date not null,
    months_ahead integer not null check (months_ahead >= 1),
    method text not null,
    forecast_amount double precision not null,
    p10_amount double precision,
    p90_amount double precision,
    actual_amount double precision not null,
    scale_amount double precision not null check (scale_amount > 0)
) partition by list (run_id);

comment on table scoring.series_forecasts is 'Forecasts of monthly bookings, revenue and recurring revenue from their own past, by segment; segment_id ''(all)'' is their exact sum.';
comment on table scoring.series_backtests is 'Such forecasts made at past month ends, by every method and as served, beside what came.';
