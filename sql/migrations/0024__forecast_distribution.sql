-- The whole distribution of a forecast and what it is made of; when deals are lost; what a backtest needs of them.
create table scoring.revenue_forecast_quantiles (
    run_id bigint not null,
    as_of_date date not null,
    period_type text not null check (period_type in ('month', 'quarter')),
    period_start_on date not null,
    segment_id text not null,
    mean_amount double precision not null,
    probability double precision not null check (probability > 0 and probability < 1),
    amount double precision not null
) partition by list (run_id);

create table scoring.revenue_forecast_parts (
    run_id bigint not null,
    as_of_date date not null,
    month_start_on date not null,
    segment_id text not null,
    closed_amount double precision not null,
    open_mean double precision not null,
    open_variance double precision not null,
    open_third_cumulant double precision not null,
    created_mean double precision not null,
    created_variance double precision not null,
    created_third_cumulant double precision not null,
    created_level_variance double precision not null,
    created_error_variance double precision not null,
    common_variance double precision not null,
    segment_variance double precision not null,
    month_correlation double precision not null,
    win_level double precision not null default 1,
    win_level_variance double precision not null default 0
) partition by list (run_id);

create table scoring.deal_loss_timings (
    run_id bigint not null,
    as_of_date date not null,
    stage_name text,
    deal_count bigint not null,
    win_level double precision not null default 1,
    within_7d_probability double precision not null,
    within_14d_probability double precision not null,
    within_30d_probability double precision not null,
    within_45d_probability double precision not null,
    within_60d_probability double precision not null,
    within_90d_probability double precision not null,
    within_120d_probability double precision not null,
    within_180d_probability double precision not null,
    within_270d_probability double precision not null,
    within_365d_probability double precision not null
) partition by list (run_id);

create table scoring.deal_timing_backtests (
    run_id bigint not null,
    as_of_date date not null,
    months_ahead integer not null,
    outcome text not null check (outcome in ('won', 'lost', 'open', 'slipped')),
    predictor text not null,
    probability_bin integer not null,
    deal_count bigint not null,
    predicted_sum double precision not null,
    happened_count bigint not null,
    squared_error_sum double precision not null
) partition by list (run_id);

-- Rows of runs before this stand as they are: months, without what was not kept of them.
alter table scoring.forecast_backtests
add column period_type text not null default 'month' check (period_type in ('month', 'quarter')),
add column p025_amount double precision,
add column p50_amount double precision,
add column p975_amount double precision,
add column actual_probability double precision check (actual_probability between 0 and 1),
add column naive_error_amount double precision;

comment on table scoring.revenue_forecast_quantiles is 'Quantiles of won revenue by month, quarter and segment.';
comment on table scoring.revenue_forecast_parts is 'Cumulants of what a forecast is made of, by month and segment.';
comment on table scoring.deal_loss_timings is 'When open deals of a stage are lost, given that they are not won.';
comment on table scoring.deal_timing_backtests is 'Predicted and actual wins, losses and slips of past open deals, by bins of probability.';
