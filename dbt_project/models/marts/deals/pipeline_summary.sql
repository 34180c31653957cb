-- Grain: one row per as-of date, stage, owner, segment and currency.
-- Money is rounded deal by deal, so that sums over any grouping agree to the cent.
with deals as (
    select * from {{ ref('ftr_deals') }}
),

win_probabilities as (
    select predictions.deal_id, predictions.as_of_date, predictions.win_probability
    from {{ source('scoring', 'deal_win_predictions') }} as predictions
    inner join {{ source('scoring', 'published_runs') }} as runs on predictions.run_id = runs.run_id
),

owners as (
    select owner_id, owner_name from {{ ref('int_owners_identified') }}
),

priced as (
    select
        deals.as_of_date,
        deals.stage_id,
        deals.stage_name,
        deals.stage_order,
        deals.owner_id,
        deals.team_path,
        deals.segment_id,
        deals.currency_code,
        deals.deal_age_days,
        deals.stage_crm_probability,
        win_probabilities.win_probability,
        cast(deals.amount as {{ type_money() }}) as amount,
        cast(deals.amount_reporting as {{ type_money() }}) as reporting_amount,
        cast(deals.amount * deals.stage_crm_probability as {{ type_money() }}) as weighted_amount,
        cast(deals.amount_reporting * deals.stage_crm_probability as {{ type_money() }})
            as weighted_reporting_amount,
        cast(deals.amount * win_probabilities.win_probability as {{ type_money() }}) as model_weighted_amount,
        cast(deals.amount_reporting * win_probabilities.win_probability as {{ type_money() }})
            as model_weighted_reporting_amount
    from deals
    left join win_probabilities
        on deals.deal_id = win_probabilities.deal_id and deals.as_of_date = win_probabilities.as_of_date
),

summed as (
    select
        as_of_date,
        stage_id,
        max(stage_name) as stage_name,
        max(stage_order) as stage_order,
        owner_id,
        max(team_path) as team_path,
        segment_id,
        currency_code,
        count(*) as deal_count,
        count(*) filter (where amount is null) as deal_without_amount_count,
        count(*) filter (where amount is not null and reporting_amount is null) as deal_without_rate_count,
        count(win_probability) as scored_deal_count,
        sum(amount) as amount,
        sum(weighted_amount) as weighted_amount,
        sum(amount) filter (where stage_crm_probability is null) as unweighted_amount,
        sum(model_weighted_amount) as model_weighted_amount,
        sum(reporting_amount) as reporting_amount,
        sum(weighted_reporting_amount) as weighted_reporting_amount,
        sum(model_weighted_reporting_amount) as model_weighted_reporting_amount,
        avg(deal_age_days) as average_age_days
    from priced
    group by as_of_date, stage_id, owner_id, segment_id, currency_code
)

select
    summed.as_of_date,
    summed.stage_id,
    summed.stage_name,
    summed.stage_order,
    summed.owner_id,
    owners.owner_name,
    summed.team_path,
    summed.segment_id,
    summed.currency_code,
    summed.deal_count,
    summed.deal_without_amount_count,
    summed.deal_without_rate_count,
    summed.scored_deal_count,
    cast(summed.amount as {{ type_money() }}) as amount,
    cast(summed.weighted_amount as {{ type_money() }}) as weighted_amount,
    cast(summed.unweighted_amount as {{ type_money() }}) as unweighted_amount,
    cast(summed.model_weighted_amount as {{ type_money() }}) as model_weighted_amount,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(summed.reporting_amount as {{ type_money() }}) as reporting_amount,
    cast(summed.weighted_reporting_amount as {{ type_money() }}) as weighted_reporting_amount,
    cast(summed.model_weighted_reporting_amount as {{ type_money() }}) as model_weighted_reporting_amount,
    summed.average_age_days
from summed
left join owners on summed.owner_id = owners.owner_id
