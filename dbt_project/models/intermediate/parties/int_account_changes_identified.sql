-- Grain: one row per readable change of one field of an account.
{{ config(materialized='view') }}

select
    coalesce(identities.canonical_id, changes.account_key) as account_id,
    changes.change_id,
    changes.field_name,
    changes.new_value,
    changes.occurred_at,
    changes.known_at,
    changes.occurred_on,
    changes.known_on
from {{ ref('stg_crm__account_changes') }} as changes
left join {{ ref('int_entity_identities') }} as identities
    on identities.entity = 'account' and changes.account_key = identities.source_key
where changes.is_readable
