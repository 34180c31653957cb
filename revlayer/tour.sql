-- name: what_lands_in_the_coming_months
select
    month_start_on,
    closed_amount,
    stage_weighted_amount,
    mean_amount,
    p10_amount,
    p90_amount
from marts.revenue_forecast_monthly_total
order by month_start_on
limit 6

-- name: what_is_at_risk_and_why_ranked_in_money
select
    deal_id,
    stage_name,
    health_score,
    revenue_at_risk_amount,
    risk_factors
from marts.at_risk_deals
order by risk_rank
limit 5

-- name: how_good_the_win_probability_was_on_later_data
select
    scorecard.predictor,
    scorecard.metric,
    scorecard.metric_value,
    scorecard.row_count
from marts.model_scorecard as scorecard
inner join marts.served_models as served on scorecard.model_version = served.model_version
where
    served.target = 'deal_win'
    and scorecard.split_name = 'test'
    and scorecard.segment_id = '(all)'
    and scorecard.metric in ('brier', 'auc', 'ece')
order by scorecard.metric, scorecard.metric_value

-- name: how_recurring_revenue_came_about
select
    month_start_on,
    sum(opening_amount) as opening_amount,
    sum(new_amount + reactivation_amount) as won_amount,
    sum(expansion_amount) as expansion_amount,
    sum(contraction_amount) as contraction_amount,
    sum(churn_amount) as churn_amount,
    sum(fx_amount) as fx_amount,
    sum(closing_amount) as closing_amount
from marts.mrr_bridge_reporting
group by month_start_on
order by month_start_on desc
limit 6

-- name: what_customers_owe_by_days_overdue_and_what_may_stay_unpaid
select
    age_class,
    sum(overdue_invoice_count) as invoices,
    sum(overdue_amount) as overdue_amount,
    max(unpaid_rate) as unpaid_rate,
    sum(unpaid_amount) as unpaid_amount
from marts.overdue_amounts
group by age_class, from_days
order by from_days

-- name: which_customers_may_leave_and_how_they_are
select
    scores.customer_id,
    scores.plan_value_amount,
    scores.churn_probability,
    scores.churn_tier,
    scores.value_amount,
    health.health_score
from marts.customer_scores as scores
inner join marts.account_health as health on scores.customer_id = health.customer_id
where scores.plan_value_amount > 0
order by scores.churn_probability * scores.plan_value_amount desc nulls last, scores.customer_id
limit 5

-- name: what_to_do_first
select
    action_rank,
    party_id,
    best_action,
    save_amount,
    collect_amount,
    rescue_amount,
    expand_amount,
    ranked_amount
from marts.next_actions
order by action_rank
limit 5

-- name: where_installs_pay
select
    country_code,
    platform,
    install_count,
    payer_rate,
    predicted_amount
from marts.install_statistics
order by predicted_amount desc nulls last, country_code, platform
limit 5
