-- Run last, every time: what each role may do. One writer per schema.
-- tests/sql/golden/privileges.txt holds the result.
revoke create on schema public from public;

grant usage on schema raw to {loader}, {transformer};
grant select, insert, update, delete on all tables in schema raw to {loader};
grant select on all tables in schema raw to {transformer};

grant usage, create on schema staging, intermediate, features, marts to {transformer};
grant select, insert, delete on intermediate.model_builds to {transformer};
grant usage on schema scoring, planning to {transformer};
grant select on all tables in schema scoring, planning to {transformer};

grant usage on schema features to {scorer};
grant select on all tables in schema features to {scorer};
alter default privileges for role {transformer} in schema features grant select on tables to {scorer};
grant usage, create on schema scoring to {scorer};
grant select, insert, update, delete on all tables in schema scoring to {scorer};
alter table scoring.deal_win_predictions owner to {scorer};
alter table scoring.deal_value_predictions owner to {scorer};
alter table scoring.deal_close_predictions owner to {scorer};
alter table scoring.customer_churn_predictions owner to {scorer};
alter table scoring.customer_value_predictions owner to {scorer};
alter table scoring.customer_expansion_predictions owner to {scorer};
alter table scoring.install_revenue_predictions owner to {scorer};
alter table scoring.invoice_late_predictions owner to {scorer};
alter table scoring.revenue_forecasts owner to {scorer};
alter table scoring.forecast_backtests owner to {scorer};
alter table scoring.cash_forecasts owner to {scorer};
alter table scoring.revenue_chains owner to {scorer};
alter table scoring.revenue_forecast_quantiles owner to {scorer};
alter table scoring.revenue_forecast_parts owner to {scorer};
alter table scoring.deal_loss_timings owner to {scorer};
alter table scoring.deal_timing_backtests owner to {scorer};
alter table scoring.revenue_scenario_basis owner to {scorer};
alter table scoring.revenue_forecast_horizon owner to {scorer};
alter table scoring.series_forecasts owner to {scorer};
alter table scoring.series_backtests owner to {scorer};
-- Installing a compiled function fills these and gathers their statistics, which only an owner may.
alter table scoring.compiled_forests owner to {scorer};
alter table scoring.compiled_forest_uses owner to {scorer};
alter table scoring.compiled_blocks owner to {scorer};
alter table scoring.compiled_leaves owner to {scorer};
alter default privileges for role {scorer} in schema scoring grant select on tables to {transformer};

grant usage on schema planning to {planner};
grant select, insert on all tables in schema planning to {planner};
-- Closed months are written by the owner's functions alone. What they copy from the marts is read by functions that the
-- reader owns: marts are the transformer's, and its code must never run with the owner's rights.
revoke insert on planning.month_closings, planning.month_reopenings, planning.closed_months, planning.closed_mrr,
planning.closed_mrr_movements, planning.closed_mrr_movements_reporting, planning.closed_revenue from {planner};
-- The ledger is written by who publishes forecasts. Numbers, and by whom and when a row came, are the database's to say.
grant usage on schema planning to {scorer};
grant select on planning.forecast_ledger, planning.forecast_ledger_figures to {scorer};
revoke insert on planning.forecast_ledger from {scorer};
grant insert (
    run_id, as_of_date, win_model_version, value_model_version, close_month_model_version, horizon_months,
    fiscal_start_month, draw_count, seed, past_as_of_dates, reporting_currency_code, open_deal_count, open_amount,
    closed_deal_count, won_amount, figure_count, figures_sha256, software, code_sha256
) on planning.forecast_ledger to {scorer};
grant insert on planning.forecast_ledger_figures to {scorer};
revoke insert on planning.forecast_ledger, planning.forecast_ledger_figures, planning.forecast_submissions,
planning.targets, planning.imports from {planner};
grant insert (
    kind, category, period_type, period_start_on, segment_id, owner_id, team_path, amount, currency_code, author,
    submitted_at, note, import_id
) on planning.forecast_submissions to {planner};
grant insert (
    month_start_on, segment_id, owner_id, team_path, target_amount, currency_code, author, stated_at, import_id
) on planning.targets to {planner};
grant insert (
    table_name, file_name, file_sha256, read_count, accepted_count, repeated_count, rejected_count
) on planning.imports to {planner};
grant create on schema planning to {reader};
alter function planning.marts_figures(anyelement, text, bigint, date, date) owner to {reader};
alter function planning.marts_built() owner to {reader};
revoke create on schema planning from {reader};

grant usage on schema marts, metrics to {reader};
grant select on all tables in schema marts, metrics to {reader};
alter default privileges for role {transformer} in schema marts grant select on tables to {reader};
-- Prediction functions run as their caller, and those of large forests read them from tables.
grant usage on schema scoring to {reader};
grant select on scoring.compiled_blocks, scoring.compiled_leaves to {reader};

-- Functions are callable by nobody unless granted.
revoke execute on all functions in schema metrics, scoring, planning from public;
grant execute on all functions in schema metrics to {reader};
grant execute on all functions in schema scoring to {scorer};
grant execute on function planning.close_month(date, text), planning.reopen_month(date, text),
planning.is_intact(bigint) to {planner};
-- Prediction functions are the scorer's. Who may read marts may call them, and so may views that dbt tests.
alter default privileges for role {scorer} in schema scoring grant execute on functions to {reader}, {transformer};

-- Events are written by the owner's trigger alone; whoever may read marts may have the chain checked.
grant usage on schema audit to {reader};
revoke execute on all functions in schema audit from public;
grant execute on function audit.verify() to {reader};
