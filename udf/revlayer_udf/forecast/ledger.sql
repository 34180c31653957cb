-- name: write
insert into planning.forecast_ledger (
    run_id, as_of_date, win_model_version, value_model_version, close_month_model_version, horizon_months,
    fiscal_start_month, draw_count, seed, past_as_of_dates, reporting_currency_code, open_deal_count, open_amount,
    closed_deal_count, won_amount, figure_count, figures_sha256, software, code_sha256
)
values (
    %(run_id)s, %(as_of_date)s, %(win_model_version)s, %(value_model_version)s, %(close_month_model_version)s,
    %(horizon_months)s, %(fiscal_start_month)s, %(draw_count)s, %(seed)s, %(past_as_of_dates)s::date[],
    %(reporting_currency_code)s, %(open_deal_count)s, %(open_amount)s, %(closed_deal_count)s, %(won_amount)s,
    %(figure_count)s, %(figures_sha256)s, %(software)s, %(code_sha256)s
)
returning ledger_id

-- name: entries
select
    ledger_id, run_id, as_of_date, win_model_version, value_model_version, close_month_model_version, horizon_months,
    fiscal_start_month, draw_count, seed, past_as_of_dates, reporting_currency_code, open_deal_count, open_amount,
    closed_deal_count, won_amount, figure_count, figures_sha256, software, code_sha256, published_by, published_at
from planning.forecast_ledger
where %(ledger_id)s::bigint is null or ledger_id = %(ledger_id)s::bigint
order by ledger_id desc
limit %(limit)s::bigint

-- name: figures
select
    month_start_on, segment_id, closed_amount, open_mean_amount, created_mean_amount, mean_amount, p10_amount,
    p50_amount, p90_amount, stage_weighted_amount, crm_probability_amount, naive_amount, seasonal_naive_amount
from planning.forecast_ledger_figures
where ledger_id = %(ledger_id)s::bigint
