-- What was forecast and by whom. Nothing here is changed afterwards: a correction is a new row.
-- One row per published forecast, with all that makes it again.
create table planning.forecast_ledger (
    ledger_id bigint generated always as identity primary key,
    run_id bigint not null unique,
    as_of_date date not null,
    win_model_version text,
    value_model_version text,
    close_month_model_version text,
    horizon_months integer not null,
    fiscal_start_month integer not null,
    draw_count integer not null,
    seed bigint not null,
    past_as_of_dates date[] not null,
    reporting_currency_code text,
    open_deal_count bigint not null,
    open_amount double precision not null,
    closed_deal_count bigint not null,
    won_amount double precision not null,
    figure_count bigint not null,
    figures_sha256 text not null,
    software text not null,
    code_sha256 text not null,
    published_by text not null default session_user,
    published_at timestamptz not null default clock_timestamp()
);

create table planning.forecast_ledger_figures (
    ledger_id bigint not null references planning.forecast_ledger (ledger_id),
    month_start_on date not null,
    segment_id text not null,
    closed_amount double precision not null,
    open_mean_amount double precision not null,
    created_mean_amount double precision not null,
    mean_amount double precision not null,
    p10_amount double precision not null,
    p50_amount double precision not null,
    p90_amount double precision not null,
    stage_weighted_amount double precision not null,
    crm_probability_amount double precision not null,
    naive_amount double precision not null,
    seasonal_naive_amount double precision not null,
    primary key (ledger_id, month_start_on, segment_id)
);

-- Files that people's figures came in; read = accepted + repeated + rejected.
create table planning.imports (
    import_id bigint generated always as identity primary key,
    table_name text not null,
    file_name text not null,
    file_sha256 text not null,
    read_count bigint not null,
    accepted_count bigint not null,
    repeated_count bigint not null,
    rejected_count bigint not null,
    imported_by text not null default session_user,
    imported_at timestamptz not null default clock_timestamp(),
    check (read_count = accepted_count + repeated_count + rejected_count)
);

create table planning.rejected_rows (
    import_id bigint not null references planning.imports (import_id),
    line_number bigint not null,
    reason text not null,
    row_text text not null,
    primary key (import_id, line_number)
);

-- What people expect to win. An amount belongs to a segment, or to an owner, or to a team; (all) is the company.
create table planning.forecast_submissions (
    submission_id bigint generated always as identity primary key,
    kind text not null default 'submission' check (kind in ('submission', 'override')),
    category text not null check (category in ('closed', 'commit', 'best_case', 'pipeline')),
    period_type text not null default 'month' check (period_type in ('month', 'quarter')),
    period_start_on date not null,
    segment_id text not null default '(all)' check (btrim(segment_id) <> ''),
    owner_id text check (btrim(owner_id) <> ''),
    team_path text check (btrim(team_path) <> ''),
    -- The upper bound keeps out what is no number.
    amount numeric(18, 2) not null check (amount between 0 and 9999999999999999.99),
    currency_code text not null check (currency_code ~ '^[A-Z]{3}$'),
    author text not null default session_user check (btrim(author) <> ''),
    submitted_at timestamptz not null default clock_timestamp(),
    note text,
    import_id bigint references planning.imports (import_id),
    entered_by text not null default session_user,
    entered_at timestamptz not null default clock_timestamp(),
    constraint period_starts_on_the_first_of_a_month
    check (period_start_on = date_trunc('month', period_start_on)::date and isfinite(period_start_on)),
    constraint of_a_segment_or_an_owner_or_a_team
    check ((segment_id <> '(all)')::integer + (owner_id is not null)::integer + (team_path is not null)::integer <= 1),
    -- Clocks differ by minutes, not by days.
    constraint submitted_before_it_was_entered
    check (isfinite(submitted_at) and submitted_at <= entered_at + interval '1 hour')
);
create unique index one_figure_at_a_time on planning.forecast_submissions (
    kind, category, period_type, period_start_on, segment_id, coalesce(owner_id, ''), coalesce(team_path, ''),
    author, submitted_at
);

alter table planning.targets
add column owner_id text check (btrim(owner_id) <> ''),
add column team_path text check (btrim(team_path) <> ''),
add column import_id bigint references planning.imports (import_id),
add constraint target_of_a_segment_or_an_owner_or_a_team check (
    (segment_id <> '(all)')::integer + (owner_id is not null)::integer + (team_path is not null)::integer <= 1
);

comment on table planning.forecast_ledger is 'One row per published forecast: what it was made from and by, and a digest of its figures.';
comment on column planning.forecast_ledger.run_id is 'The run in scoring.runs; its rows there are dropped after some runs, these stay.';
comment on column planning.forecast_ledger.win_model_version is 'Null: the CRM''s probability and the company''s history served.';
comment on column planning.forecast_ledger.past_as_of_dates is 'Earlier forecasts whose errors set the width of the intervals.';
comment on column planning.forecast_ledger.open_amount is 'Sum of the open deals'' amounts, to tell whether a day''s data changed since.';
comment on column planning.forecast_ledger.code_sha256 is 'Digest of the forecast''s own source text.';
comment on table planning.forecast_ledger_figures is 'Published figures by month and segment, and what the CRM and naive forecasts said at that time.';
comment on table planning.imports is 'One row per file of targets or submissions: read = accepted + repeated + rejected.';
comment on table planning.rejected_rows is 'Rows an import could not take, with line and reason.';
comment on table planning.forecast_submissions is 'What people expect to win, by period; the latest row of an author counts.';
comment on column planning.forecast_submissions.submitted_at is 'When the author said so; entered_at is when it came here.';

do $$
declare
    v_table text;
begin
    foreach v_table in array array[
        'forecast_ledger', 'forecast_ledger_figures', 'imports', 'rejected_rows', 'forecast_submissions', 'targets'
    ] loop
        execute format(
            'create trigger append_only before update or delete or truncate on planning.%1$I'
            ' for each statement execute function audit.refuse();'
            -- Sessions that pretend to replicate skip other triggers.
            'alter table planning.%1$I enable always trigger append_only',
            v_table
        );
    end loop;
end $$;
