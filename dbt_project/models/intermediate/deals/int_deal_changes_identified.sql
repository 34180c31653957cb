-- Grain: one row per readable change of one field of a deal, deletions and merges included.
{{ config(materialized='view') }}

select
    coalesce(identities.canonical_id, changes.deal_key) as deal_id,
    changes.change_id,
    changes.field_name,
    changes.new_value,
    changes.occurred_at,
    changes.known_at,
    changes.occurred_on,
    changes.known_on
from {{ ref('stg_crm__deal_changes') }} as changes
left join {{ ref('int_entity_identities') }} as identities
    on identities.entity = 'deal' and changes.deal_key = identities.source_key
where changes.is_readable

union all

-- A tombstone is a change: the deal shows until the day it was deleted, as far as that was known.
select
    coalesce(identities.canonical_id, deals.deal_key) as deal_id,
    deals.deal_key || ':deleted' as change_id,
    'is_deleted' as field_name,
    'true' as new_value,
    deals.deleted_at as occurred_at,
    greatest(deals.deleted_at, deals.counts_from_at) as known_at,
    deals.deleted_on as occurred_on,
    greatest(deals.deleted_on, deals.known_on) as known_on
from {{ ref('stg_crm__deals') }} as deals
left join {{ ref('int_entity_identities') }} as identities
    on identities.entity = 'deal' and deals.deal_key = identities.source_key
where deals.deleted_at is not null

union all

{% for edge, value in [('merged_from_on', 'true'), ('merged_to_on', 'false')] %}
select
    entity_id as deal_id,
    entity_id || ':merged:' || cast({{ edge }} as {{ dbt.type_string() }}) as change_id,
    'is_merged' as field_name,
    '{{ value }}' as new_value,
    cast({{ edge }} as {{ dbt.type_timestamp() }}) as occurred_at,
    cast({{ edge }} as {{ dbt.type_timestamp() }}) as known_at,
    {{ edge }} as occurred_on,
    {{ edge }} as known_on
from {{ ref('int_entity_merges') }}
where entity = 'deal' and {{ edge }} < {{ end_of_time() }}
{% if not loop.last %}
union all
{% endif %}
{% endfor %}
