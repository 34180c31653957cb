-- Registry: the artefact and what is known of it. A version is <target>__<yyyymmdd>__<first 8 of the hash>.
create table scoring.models (
    model_version text primary key,
    target text not null,
    algorithm text not null,
    status text not null default 'candidate'
        check (status in ('candidate', 'champion', 'challenger', 'retired')),
    artefact bytea not null,
    artefact_sha256 text not null check (artefact_sha256 ~ '^[0-9a-f]{64}$'),
    manifest jsonb not null,
    data_fingerprint text not null,
    is_temporal_evidence boolean not null,
    beats_baseline boolean not null,
    trained_through_date date,
    created_at timestamptz not null default clock_timestamp()
);
-- At most one champion serves a target.
create unique index models_one_champion on scoring.models (target) where status = 'champion';

create table scoring.model_events (
    event_id bigint generated always as identity primary key,
    model_version text not null references scoring.models (model_version),
    from_status text,
    to_status text not null,
    reason text,
    changed_by text not null default current_user,
    changed_at timestamptz not null default clock_timestamp()
);

-- One row per figure of an evaluation. segment '(all)' is the whole split.
create table scoring.model_metrics (
    model_version text not null references scoring.models (model_version) on delete cascade,
    split text not null check (split in ('train', 'validate', 'test', 'cross_validation')),
    predictor text not null,
    segment text not null,
    metric text not null,
    value double precision,
    row_count bigint not null,
    primary key (model_version, split, predictor, segment, metric)
);

create table scoring.model_reliability (
    model_version text not null references scoring.models (model_version) on delete cascade,
    split text not null,
    predictor text not null,
    segment text not null,
    bin integer not null,
    row_count bigint not null,
    predicted_mean double precision not null,
    observed_rate double precision not null,
    primary key (model_version, split, predictor, segment, bin)
);

-- One row per attempt to publish. Predictions of a run are visible while it is published.
create table scoring.runs (
    run_id bigint generated always as identity primary key,
    target text not null,
    model_version text references scoring.models (model_version),
    as_of_date date not null,
    status text not null default 'running'
        check (status in ('running', 'published', 'superseded', 'failed')),
    row_count bigint,
    error text,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
create unique index runs_one_published on scoring.runs (target) where status = 'published';

-- Predictions: one partition per run, attached when complete.
create table scoring.deal_win_predictions (
    run_id bigint not null,
    as_of_date date not null,
    deal_id text not null,
    win_probability double precision not null check (win_probability between 0 and 1),
    rung text not null,
    model_version text not null
) partition by list (run_id);

create table scoring.deal_value_predictions (
    run_id bigint not null,
    as_of_date date not null,
    deal_id text not null,
    value_amount double precision not null,
    value_p10_amount double precision not null,
    value_p90_amount double precision not null,
    rung text not null,
    model_version text not null
) partition by list (run_id);

-- Days from the as-of date to winning, given that the deal is won: cumulative probability at the ends of the bins.
create table scoring.deal_close_predictions (
    run_id bigint not null,
    as_of_date date not null,
    deal_id text not null,
    within_7d_probability double precision not null,
    within_14d_probability double precision not null,
    within_30d_probability double precision not null,
    within_45d_probability double precision not null,
    within_60d_probability double precision not null,
    within_90d_probability double precision not null,
    within_120d_probability double precision not null,
    within_180d_probability double precision not null,
    within_270d_probability double precision not null,
    within_365d_probability double precision not null,
    rung text not null,
    model_version text not null
) partition by list (run_id);

-- One row per month and segment; segment_id '(all)' is the company, drawn jointly, not added up from quantiles.
create table scoring.revenue_forecasts (
    run_id bigint not null,
    as_of_date date not null,
    month_start_on date not null,
    segment_id text not null,
    closed_amount double precision not null,
    open_mean_amount double precision not null,
    created_mean_amount double precision not null,
    mean_amount double precision not null,
    p10_amount double precision not null,
    p50_amount double precision not null,
    p90_amount double precision not null,
    model_version text not null
) partition by list (run_id);

create table scoring.forecast_backtests (
    run_id bigint not null,
    as_of_date date not null,
    month_start_on date not null,
    months_ahead integer not null,
    segment_id text not null,
    predictor text not null,
    forecast_amount double precision not null,
    p10_amount double precision,
    p90_amount double precision,
    actual_amount double precision not null
) partition by list (run_id);

-- What is served now.
create view scoring.published_runs as
select run_id, target, model_version, as_of_date, row_count, finished_at
from scoring.runs
where status = 'published';

comment on table scoring.models is 'Model registry: artefact, manifest, hash and status.';
comment on table scoring.model_events is 'Every change of a model''s status.';
comment on table scoring.model_metrics is 'Evaluation figures by split, predictor (model or baseline) and segment.';
comment on table scoring.model_reliability is 'Predicted against observed, in bins of equal count.';
comment on table scoring.runs is 'One row per scoring run and what became of it.';
comment on table scoring.deal_win_predictions is 'Probability that an open deal is won.';
comment on table scoring.deal_value_predictions is 'Value of an open deal if won, in the reporting currency.';
comment on table scoring.deal_close_predictions is 'When an open deal closes if it is won.';
comment on table scoring.revenue_forecasts is 'Forecast distribution of won revenue by month and segment.';
comment on table scoring.forecast_backtests is 'Past forecasts against what came, with baselines.';
