-- name: forecast_of_the_coming_months
select month_start_on, closed_amount, stage_weighted_amount, mean_amount, p10_amount, p90_amount
from marts.revenue_forecast_monthly_total
order by month_start_on
limit 6

-- name: deals_at_risk_ranked_in_money
select deal_id, health_score, category, revenue_at_risk_amount, risk_factors
from marts.at_risk_deals
order by risk_rank
limit 5

-- name: how_honest_is_the_win_probability
select *
from marts.model_scorecard
limit 8
