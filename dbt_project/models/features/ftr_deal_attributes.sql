-- Grain: one row per attribute of a deal that is closed and has no date at all.
-- Such deals have no as-of date, so they are not in ftr_deals; they teach by cross-validation only.
with closed as (
    select
        deals.deal_key,
        coalesce(identities.canonical_id, deals.deal_key) as deal_id,
        deals.product_key,
        deals.owner_key,
        deals.deal_type,
        deals.lead_source,
        stages.stage_kind = 'won' as is_won
    from {{ ref('stg_crm__deals') }} as deals
    inner join {{ ref('stg_crm__stages') }} as stages on deals.stage_id = stages.stage_id
    left join {{ ref('int_entity_identities') }} as identities
        on identities.entity = 'deal' and deals.deal_key = identities.source_key
    where
        deals.created_on is null
        and deals.closed_on is null
        and deals.deleted_at is null
        and stages.stage_kind in ('won', 'lost')
),

attributes as (
    select
        source_key,
        attribute_name,
        attribute_value,
        row_number() over (
            partition by source_key, attribute_name
            order by recorded_at desc nulls last, attribute_value nulls last
        ) as latest_number
    from {{ ref('stg_crm__entity_attributes') }}
    where entity = 'deal'
),

named as (
    select closed.deal_id, closed.is_won, 'attr_' || attributes.attribute_name as attribute_name,
        attributes.attribute_value
    from closed
    inner join attributes on closed.deal_key = attributes.source_key and attributes.latest_number = 1
    union all
    select deal_id, is_won, 'product_id' as attribute_name, product_key as attribute_value from closed
    union all
    select deal_id, is_won, 'owner_id' as attribute_name, owner_key as attribute_value from closed
    union all
    select deal_id, is_won, 'deal_type' as attribute_name, deal_type as attribute_value from closed
    union all
    select deal_id, is_won, 'lead_source' as attribute_name, lead_source as attribute_value from closed
)

select deal_id, attribute_name, attribute_value, is_won
from named
where attribute_value is not null
