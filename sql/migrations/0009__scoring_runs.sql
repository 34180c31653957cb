-- Reasons beside the predictions, what each row was scored from, and a log of every run.
-- Null reasons: the model has none, or the run was made without them.
alter table scoring.deal_win_predictions
    add column raw_score double precision,
    add column base_score double precision,
    add column reason_1 text,
    add column reason_1_contribution double precision,
    add column reason_2 text,
    add column reason_2_contribution double precision,
    add column reason_3 text,
    add column reason_3_contribution double precision,
    add column features_hash bigint;

alter table scoring.deal_value_predictions
    add column raw_score double precision,
    add column base_score double precision,
    add column reason_1 text,
    add column reason_1_contribution double precision,
    add column reason_2 text,
    add column reason_2_contribution double precision,
    add column reason_3 text,
    add column reason_3_contribution double precision,
    add column features_hash bigint;

alter table scoring.deal_close_predictions
    add column features_hash bigint;

-- has_reasons: whether the run's predictions carry reasons; scored_count and copied_count add up to row_count.
alter table scoring.runs
    add column has_reasons boolean not null default false,
    add column scored_count bigint,
    add column copied_count bigint;

-- Seconds each stage of a run was at work; stages overlap, so they add up to more than the run took.
create table scoring.run_timings (
    run_id bigint not null references scoring.runs (run_id) on delete cascade,
    stage text not null check (stage in ('copy', 'read', 'score', 'write', 'statistics', 'total')),
    seconds double precision not null check (seconds >= 0),
    primary key (run_id, stage)
);

-- Distribution of every number a run predicted: of all rows, segment_id '(all)', and by value of a dimension.
create table scoring.run_statistics (
    run_id bigint not null references scoring.runs (run_id) on delete cascade,
    output text not null,
    dimension text not null,
    segment_id text not null,
    row_count bigint not null,
    null_count bigint not null,
    mean double precision,
    standard_deviation double precision,
    minimum double precision,
    p10 double precision,
    p50 double precision,
    p90 double precision,
    maximum double precision,
    quantile_row_count bigint not null,
    primary key (run_id, output, dimension, segment_id)
);

create view scoring.run_log as
select
    r.run_id,
    r.target,
    r.model_version,
    r.as_of_date,
    r.status,
    r.row_count,
    r.scored_count,
    r.copied_count,
    r.has_reasons,
    r.error,
    r.started_at,
    r.finished_at,
    t.read_seconds,
    t.score_seconds,
    t.write_seconds,
    t.total_seconds,
    r.row_count / nullif(t.total_seconds, 0) as rows_per_second
from scoring.runs as r
left join (
    select
        run_id,
        sum(seconds) filter (where stage = 'read') as read_seconds,
        sum(seconds) filter (where stage = 'score') as score_seconds,
        sum(seconds) filter (where stage = 'write') as write_seconds,
        sum(seconds) filter (where stage = 'total') as total_seconds
    from scoring.run_timings
    group by run_id
) as t on r.run_id = t.run_id;

comment on column scoring.deal_win_predictions.raw_score is 'Score before calibration: base_score plus all contributions.';
comment on column scoring.deal_value_predictions.raw_score is 'Score before the link: base_score plus all contributions.';
comment on column scoring.deal_win_predictions.features_hash is 'Hash of the features the row was scored from.';
comment on column scoring.deal_value_predictions.features_hash is 'Hash of the features the row was scored from.';
comment on column scoring.deal_close_predictions.features_hash is 'Hash of the features the row was scored from.';
comment on table scoring.run_timings is 'Seconds each stage of a run was at work.';
comment on table scoring.run_statistics is 'Distribution of what a run predicted, of all rows and by segment; quantiles from quantile_row_count rows.';
comment on view scoring.run_log is 'One row per run with its speed.';
