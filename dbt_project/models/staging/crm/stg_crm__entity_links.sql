-- Grain: one row per source row and validity of its link.
select
    entity,
    {{ source_key('source_id') }} as source_key,
    canonical_id,
    {{ local_date('valid_from') }} as valid_from_on,
    {{ local_date('valid_to') }} as valid_to_on,
    valid_from,
    valid_to
from {{ source('raw', 'entity_links') }}
