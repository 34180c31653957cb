create table planning.targets (
    target_id bigint generated always as identity primary key,
    segment_id text not null,
    month_start_on date not null,
    target_amount numeric(18, 2) not null,
    currency_code text not null,
    entered_by text not null default current_user,
    entered_at timestamptz not null default clock_timestamp()
);

-- Simulator only: P(win) given everything the simulated world knows at the end of that day.
create table truth.deal_win_probability (
    deal_id text not null,
    as_of_date date not null,
    probability double precision not null check (probability between 0 and 1),
    primary key (deal_id, as_of_date)
);

create table raw.import_runs (
    import_id bigint generated always as identity primary key,
    source_name text not null,
    mapping_sha256 text not null,
    read_count bigint not null default 0,
    accepted_count bigint not null default 0,
    changed_count bigint not null default 0,
    rejected_count bigint not null default 0,
    status text not null default 'running' check (status in ('running', 'finished', 'failed')),
    error text,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);

create table raw.rejected_rows (
    import_id bigint not null references raw.import_runs (import_id),
    table_name text not null,
    file_name text not null,
    line_number bigint not null,
    reason text not null,
    row_text text,
    rejected_at timestamptz not null default clock_timestamp()
);
create index on raw.rejected_rows (import_id);

comment on table planning.targets is 'Targets by month and segment; the latest entry of a month counts.';
comment on table truth.deal_win_probability is 'The simulator''s own P(win), to test calibration against.';
comment on table raw.import_runs is 'One row per CSV import: read = accepted + rejected.';
comment on table raw.rejected_rows is 'Rows an import could not take, with file, line and reason.';
