-- Grain: one row per entity merged into another and time it was.
with named as (
    select
        links.entity,
        coalesce(identities.canonical_id, links.source_key) as entity_id,
        links.canonical_id as merged_into_id,
        -- What a row was merged into before anything was known of it is merged once something is.
        greatest(links.valid_from_on, entity_keys.known_on) as merged_from_on,
        case when links.valid_to_on < {{ end_of_time() }} then links.valid_to_on else {{ end_of_time() }} end
            as merged_to_on
    from {{ ref('int_entity_links_ranked') }} as links
    left join {{ ref('int_entity_identities') }} as identities
        on links.entity = identities.entity and links.source_key = identities.source_key
    left join {{ ref('int_entity_keys') }} as entity_keys
        on identities.entity = entity_keys.entity and identities.source_key = entity_keys.source_key
)

select
    entity,
    entity_id,
    merged_into_id,
    merged_from_on,
    min(merged_to_on) as merged_to_on
from named
where merged_into_id <> entity_id and merged_from_on < merged_to_on
group by entity, entity_id, merged_into_id, merged_from_on
