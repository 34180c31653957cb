-- Grain: one row per account and day its state or its owner changed (validity is exclusive at its end).
with changes as (
    select
        account_id, change_id, field_name,
        coalesce(identities.canonical_id, changes.new_value) as new_value,
        changes.occurred_at, changes.known_at, changes.known_on
    from {{ ref('int_account_changes_identified') }} as changes
    left join {{ ref('int_entity_identities') }} as identities
        on identities.entity = 'owner' and changes.new_value = identities.source_key
    where changes.field_name = 'owner'
),

entities as (
    select
        coalesce(identities.canonical_id, accounts.account_key) as account_id,
        min(accounts.known_on) as known_on,
        min(accounts.observed_on) as observed_on,
        min(coalesce(owners.canonical_id, accounts.owner_key)) as observed_owner
    from {{ ref('stg_crm__accounts') }} as accounts
    left join {{ ref('int_entity_identities') }} as identities
        on identities.entity = 'account' and accounts.account_key = identities.source_key
    left join {{ ref('int_entity_identities') }} as owners
        on owners.entity = 'owner' and accounts.owner_key = owners.source_key
    group by coalesce(identities.canonical_id, accounts.account_key)
),

states as (
    {{ history_states('changes', 'entities', 'account_id', ['owner']) }}
),

owned as (
    select
        account_id, owner as owner_id, valid_from_on,
        coalesce(
            lead(valid_from_on) over (partition by account_id order by valid_from_on), {{ end_of_time() }}
        ) as valid_to_on
    from states
)

select
    accounts.account_id,
    greatest(accounts.valid_from_on, coalesce(owned.valid_from_on, accounts.valid_from_on)) as valid_from_on,
    least(accounts.valid_to_on, coalesce(owned.valid_to_on, accounts.valid_to_on)) as valid_to_on,
    owned.owner_id,
    accounts.account_segment,
    accounts.segment_id,
    accounts.industry,
    accounts.region,
    accounts.country_code
from {{ ref('int_account_spans') }} as accounts
left join owned
    on accounts.account_id = owned.account_id
    and owned.valid_from_on < accounts.valid_to_on and owned.valid_to_on > accounts.valid_from_on
