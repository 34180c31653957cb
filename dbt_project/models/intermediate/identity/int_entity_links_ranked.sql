-- Grain: one row per link of a source row, in order of validity.
{{ config(materialized='view') }}

select
    entity,
    source_key,
    canonical_id,
    valid_from_on,
    valid_to_on,
    row_number() over (partition by entity, source_key order by valid_from) as link_number
from {{ ref('stg_crm__entity_links') }}
