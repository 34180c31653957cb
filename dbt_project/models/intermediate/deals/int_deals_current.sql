-- Grain: one row per deal known by the as-of date, closed, deleted and merged ones included.
-- Closed deals are converted at the rate of the day they closed, as far as both are known today: the
-- day is the latest that was told, where the run has the first.
with closed as (
    select
        latest.*,
        runs.segment_id as closed_segment_id,
        case when runs.closed_on is not null then coalesce(latest.stage_entered_on, runs.closed_on) end
            as closed_on,
        case when latest.status in ('won', 'lost') then latest.status_from_on end as closed_known_on
    from {{ ref('int_deals_latest') }} as latest
    left join {{ ref('int_deal_runs') }} as runs
        on latest.deal_id = runs.deal_id and latest.status_from_on = runs.run_from_on
),

latest as (
    select
        *,
        coalesce(closed_on, as_of_date) as rate_on
    from closed
),

described as (
    {{ describe_deals('latest', 'deals.rate_on', 'final_rate') }}
)

select
    described.deal_id,
    described.source_name,
    described.deal_name,
    described.status,
    described.is_open,
    described.is_won,
    described.is_deleted,
    described.is_merged,
    described.created_on,
    described.created_known_on,
    described.closed_on,
    described.closed_known_on,
    described.stage_id,
    described.stage_name,
    described.stage_kind,
    described.stage_order,
    described.stage_crm_probability,
    described.stage_entered_on,
    described.current_account_id as account_id,
    accounts.account_name,
    described.owner_id,
    owners.owner_name,
    described.team_path,
    described.product_id,
    described.product_name,
    described.product_family,
    case when described.closed_on is null then described.segment_id else described.closed_segment_id end
        as segment_id,
    described.account_segment,
    described.industry,
    described.region,
    described.country_code,
    described.currency_code,
    described.amount,
    cast(described.amount_reporting as {{ type_money() }}) as amount_reporting,
    case
        when described.is_open then described.forecast_amount
        else cast(described.amount_reporting as {{ type_money() }})
    end as forecast_amount,
    case
        when described.is_open then described.amount_source
        when described.amount_reporting is not null then 'deal'
        else 'none'
    end as amount_source,
    described.list_price_amount,
    described.expected_close_on,
    described.forecast_category,
    described.deal_type,
    described.lead_source,
    described.lead_score,
    described.planned_user_count,
    described.discount_rate,
    described.contract_months,
    described.competitor_count,
    described.has_champion,
    described.has_budget,
    described.has_decision_maker,
    described.stage_change_count,
    described.stage_backward_count,
    described.amount_change_count,
    described.owner_change_count,
    described.expected_close_push_count,
    described.expected_close_pull_count
from described
left join {{ ref('int_accounts_identified') }} as accounts on described.current_account_id = accounts.account_id
left join {{ ref('int_owners_identified') }} as owners on described.owner_id = owners.owner_id
