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
