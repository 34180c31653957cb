-- Grain: one row per owner.
-- Of several source rows of one owner, the one known first speaks for what was only observed.
with named as (
    select
        sources.*,
        coalesce(identities.canonical_id, sources.owner_key) as owner_id,
        row_number() over (
            partition by coalesce(identities.canonical_id, sources.owner_key)
            order by sources.known_at, sources.owner_key
        ) as source_number
    from {{ ref('stg_crm__owners') }} as sources
    left join {{ ref('int_entity_identities') }} as identities
        on identities.entity = 'owner' and sources.owner_key = identities.source_key
)

select
    owner_id,
    source_name,
    owner_name,
    known_on,
    observed_on,
    cast(team_path as {{ dbt.type_string() }}) as observed_team_path,
    cast(is_active as {{ dbt.type_string() }}) as observed_is_active
from named
where source_number = 1
