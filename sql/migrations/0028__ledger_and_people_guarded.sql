-- A published forecast is written at once and whole: all figures in the transaction of its row, none afterwards.
-- What each function does stands in sql/functions/planning/, which re-creates them at every deploy.
create function planning.check_figures() returns trigger language plpgsql
as $$ begin raise exception 'deploy is not finished'; end $$;
create function planning.check_whole() returns trigger language plpgsql
as $$ begin raise exception 'deploy is not finished'; end $$;

-- One pass for a whole COPY.
create trigger no_more_than_published after insert on planning.forecast_ledger_figures
referencing new table as inserted for each statement execute function planning.check_figures();
create constraint trigger whole_when_published after insert on planning.forecast_ledger
deferrable initially deferred for each row execute function planning.check_whole();
-- Sessions that pretend to replicate skip other triggers.
alter table planning.forecast_ledger_figures enable always trigger no_more_than_published;
alter table planning.forecast_ledger enable always trigger whole_when_published;

-- Rows of before are append-only and could not be corrected: constraints hold for what comes (not valid).
alter table planning.imports add constraint counts_are_not_below_zero
check (least(read_count, accepted_count, repeated_count, rejected_count) >= 0) not valid;
alter table planning.forecast_ledger add constraint counts_are_not_below_zero
check (least(horizon_months, draw_count, open_deal_count, closed_deal_count, figure_count) >= 0) not valid;

-- Targets are known from the time they were stated, as submissions are. Those of before have none and count from the
-- beginning. Who states one may be another than who enters it.
alter table planning.targets
add column author text,
add column stated_at timestamptz;
alter table planning.targets
alter column author set default session_user,
alter column stated_at set default clock_timestamp(),
alter column entered_by set default session_user,
add constraint stated_by_somebody check (author is not null and btrim(author) <> '') not valid,
add constraint stated_before_it_was_entered
check (stated_at is not null and isfinite(stated_at) and stated_at <= entered_at + interval '1 hour') not valid,
add constraint month_starts_on_the_first
check (isfinite(month_start_on) and month_start_on = date_trunc('month', month_start_on)::date) not valid,
add constraint amount_is_not_below_zero check (target_amount between 0 and 9999999999999999.99) not valid;
create unique index one_target_at_a_time on planning.targets (
    segment_id, coalesce(owner_id, ''), coalesce(team_path, ''), month_start_on, stated_at
);

comment on table planning.targets is 'Targets by month and segment, owner or team; the latest stated by a day counts.';
comment on column planning.targets.author is 'Who stated it; null: entered before this was kept, see entered_by.';
comment on column planning.targets.stated_at is 'From when it counts; null: from the beginning. entered_at is when it came here.';
