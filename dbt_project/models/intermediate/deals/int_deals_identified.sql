-- Grain: one row per deal.
-- Of several source rows of one deal, the one known first speaks for what was only observed.
with named as (
    select
        sources.*,
        coalesce(identities.canonical_id, sources.deal_key) as deal_id,
        row_number() over (
            partition by coalesce(identities.canonical_id, sources.deal_key)
            order by sources.known_at, sources.deal_key
        ) as source_number
    from {{ ref('stg_crm__deals') }} as sources
    left join {{ ref('int_entity_identities') }} as identities
        on identities.entity = 'deal' and sources.deal_key = identities.source_key
)

select
    named.deal_id,
    named.source_name,
    named.deal_name,
    named.created_on,
    named.counts_from_at,
    named.known_on,
    named.observed_on,
    named.stage_id as observed_stage,
    cast(named.amount as {{ dbt.type_string() }}) as observed_amount,
    cast(named.expected_close_on as {{ dbt.type_string() }}) as observed_expected_close_on,
    named.owner_key as observed_owner,
    named.currency_code as observed_currency_code,
    named.forecast_category as observed_forecast_category,
    named.account_key as observed_account,
    named.product_key as observed_product,
    named.deal_type as observed_deal_type,
    named.lead_source as observed_lead_source,
    cast(named.lead_score as {{ dbt.type_string() }}) as observed_lead_score,
    cast(named.planned_user_count as {{ dbt.type_string() }}) as observed_planned_user_count,
    cast(named.discount_rate as {{ dbt.type_string() }}) as observed_discount_rate,
    cast(named.contract_months as {{ dbt.type_string() }}) as observed_contract_months,
    cast(named.competitor_count as {{ dbt.type_string() }}) as observed_competitor_count,
    cast(named.has_champion as {{ dbt.type_string() }}) as observed_has_champion,
    cast(named.has_budget as {{ dbt.type_string() }}) as observed_has_budget,
    cast(named.has_decision_maker as {{ dbt.type_string() }}) as observed_has_decision_maker,
    -- When an open stage was entered is not in the row; when a closed one was, may be.
    case
        when stages.stage_kind in ('won', 'lost') then cast(named.closed_on as {{ dbt.type_string() }})
    end as observed_stage_on
from named
left join {{ ref('int_stages_identified') }} as stages on named.stage_id = stages.stage_id
where named.source_number = 1
