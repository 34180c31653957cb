-- Grain: one row per deal and day its details changed (validity is exclusive at its end).
-- Apart from int_deal_spans because these say what the deal is like, not where it stands: each of the
-- two histories is half as wide and half as long, and both are built at once.
with states as (
    {{ history_states(
        ref('int_deal_changes_identified'), ref('int_deals_identified'), 'deal_id',
        [
            'product', 'deal_type', 'lead_source', 'lead_score', 'planned_user_count', 'discount_rate',
            'contract_months', 'competitor_count', 'has_champion', 'has_budget', 'has_decision_maker'
        ]
    ) }}
)

select
    states.deal_id,
    states.valid_from_on,
    coalesce(
        lead(states.valid_from_on) over (partition by states.deal_id order by states.valid_from_on),
        {{ end_of_time() }}
    ) as valid_to_on,
    coalesce(products.canonical_id, states.product) as product_id,
    states.deal_type,
    states.lead_source,
    cast(states.lead_score as {{ type_double() }}) as lead_score,
    cast(states.planned_user_count as {{ type_double() }}) as planned_user_count,
    cast(states.discount_rate as {{ type_double() }}) as discount_rate,
    cast(states.contract_months as {{ type_double() }}) as contract_months,
    cast(states.competitor_count as {{ type_double() }}) as competitor_count,
    states.has_champion = 'true' as has_champion,
    states.has_budget = 'true' as has_budget,
    states.has_decision_maker = 'true' as has_decision_maker
from states
left join {{ ref('int_entity_identities') }} as products
    on products.entity = 'product' and states.product = products.source_key
