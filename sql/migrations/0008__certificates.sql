-- What shows that every engine scores a model alike: rows to score, and how far the engines were apart on them.
create table scoring.model_golden_rows (
    model_version text primary key references scoring.models (model_version) on delete cascade,
    rows bytea not null,
    row_count bigint not null check (row_count > 0),
    created_at timestamptz not null default clock_timestamp()
);

-- One row per pair of engines and output. Certifying again replaces the rows of a model.
create table scoring.model_certificates (
    model_version text not null references scoring.models (model_version) on delete cascade,
    artefact_sha256 text not null check (artefact_sha256 ~ '^[0-9a-f]{64}$'),
    output text not null,
    first_engine text not null check (first_engine in ('trained', 'onnxruntime', 'sql', 'plpython')),
    second_engine text not null check (second_engine in ('trained', 'onnxruntime', 'sql', 'plpython')),
    status text not null check (status in ('equal', 'different', 'not_available')),
    row_count bigint not null,
    largest_difference double precision,
    tolerance double precision not null,
    worst_row bigint,
    note text,
    engine_versions jsonb not null,
    certified_at timestamptz not null default clock_timestamp(),
    primary key (model_version, output, first_engine, second_engine),
    check (first_engine <> second_engine),
    check ((status = 'not_available') = (largest_difference is null)),
    check (status = 'equal' or note is not null)
);

-- Which model the functions scoring.predict_<target> hold, and by which engine they score.
create table scoring.installed_functions (
    target text primary key,
    model_version text not null references scoring.models (model_version),
    engine text not null check (engine in ('sql', 'plpython')),
    installed_at timestamptz not null default clock_timestamp()
);

comment on table scoring.model_golden_rows is
'Rows every engine must score alike, with what the trained model made of them: an Arrow IPC stream.';
comment on table scoring.model_certificates is
'Largest difference between two engines on the golden rows, by output. Void for another artefact_sha256.';
comment on column scoring.model_certificates.largest_difference is
'Of a number: |a - b| / max(|a|, scale), scale being 1, for amounts the training target''s standard deviation. '
'Of a text: 1 where one differs.';
comment on column scoring.model_certificates.worst_row is 'Place of that row among the golden rows, from 0.';
comment on column scoring.model_certificates.note is 'Why engines differ, or why one could not be asked.';
comment on table scoring.installed_functions is 'Model and engine behind each function scoring.predict_<target>.';
