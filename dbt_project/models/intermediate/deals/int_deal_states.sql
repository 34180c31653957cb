-- Grain: one row per deal and day on which something about it became known.
{{ config(materialized='view') }}

-- observed_is_deleted and observed_is_merged do not exist in sources: both come as changes only.
with entities as (
    select
        *,
        cast(null as {{ dbt.type_string() }}) as observed_is_deleted,
        cast(null as {{ dbt.type_string() }}) as observed_is_merged
    from {{ ref('int_deals_identified') }}
),

states as (
    {{ history_states(
        ref('int_deal_changes_identified'), 'entities', 'deal_id',
        [
            'stage', 'amount', 'expected_close_on', 'owner', 'currency_code', 'forecast_category',
            'account', 'product', 'deal_type', 'lead_source', 'lead_score', 'planned_user_count',
            'discount_rate', 'contract_months', 'competitor_count', 'has_champion', 'has_budget',
            'has_decision_maker', 'is_deleted', 'is_merged'
        ],
        dated=['stage']
    ) }}
)

select
    deal_id,
    valid_from_on,
    stage as stage_id,
    cast(stage_on as date) as stage_on,
    cast(amount as {{ type_money() }}) as amount,
    cast(expected_close_on as date) as expected_close_on,
    owner as owner_id,
    currency_code,
    forecast_category,
    account as account_id,
    product as product_id,
    deal_type,
    lead_source,
    cast(lead_score as {{ type_double() }}) as lead_score,
    cast(planned_user_count as {{ type_double() }}) as planned_user_count,
    cast(discount_rate as {{ type_double() }}) as discount_rate,
    cast(contract_months as {{ type_double() }}) as contract_months,
    cast(competitor_count as {{ type_double() }}) as competitor_count,
    has_champion = 'true' as has_champion,
    has_budget = 'true' as has_budget,
    has_decision_maker = 'true' as has_decision_maker,
    coalesce(is_deleted = 'true', false) as is_deleted,
    coalesce(is_merged = 'true', false) as is_merged
from states
