-- Grain: one row per source row that has a canonical id of its own.
-- The id is that of the first link, if it was valid when the row was first told of; a later link is a merge
-- and does not change what the row was called before. Rows without such a link keep their source key.
select
    links.entity,
    links.source_key,
    links.canonical_id
from {{ ref('int_entity_links_ranked') }} as links
inner join {{ ref('int_entity_keys') }} as entity_keys
    on links.entity = entity_keys.entity and links.source_key = entity_keys.source_key
where links.link_number = 1 and links.valid_from_on <= entity_keys.known_on
