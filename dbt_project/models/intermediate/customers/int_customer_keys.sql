-- Grain: one row per key by which sources name customers, with the customer it stands for.
-- The id never changes: it follows from what was known when the key became known; a row without a time of its own is
-- taken to have been known then. A user of a billing customer is part
-- of that customer; one joined to it by a link is that customer. An account stands for its customer known first.
with links as (
    select
        first_links.entity,
        first_links.source_key as entity_key,
        first_links.canonical_id,
        first_links.valid_from_on
    from {{ ref('int_entity_links_ranked') }} as first_links
    where first_links.link_number = 1 and first_links.entity in ('customer', 'billing_customer')
),

identified as (
    select
        seen.entity,
        seen.entity_key,
        seen.source_name,
        seen.known_on,
        links.canonical_id is null and persons.billing_customer_key is not null as is_user,
        coalesce(
            links.canonical_id, payer_links.canonical_id, persons.billing_customer_key, seen.entity_key
        ) as customer_id,
        coalesce(persons.account_id, payers.account_id) as account_id
    from {{ ref('int_customer_keys_seen') }} as seen
    left join links
        on seen.entity = links.entity and seen.entity_key = links.entity_key and links.valid_from_on <= seen.known_on
    left join {{ ref('int_customer_person_spans') }} as persons
        on seen.entity = 'customer' and seen.entity_key = persons.customer_key and persons.is_first
        and (persons.valid_from_on <= seen.known_on or not persons.is_timed)
    left join {{ ref('int_customer_payer_spans') }} as payers
        on seen.entity = 'billing_customer' and seen.entity_key = payers.customer_key and payers.is_first
        and (payers.valid_from_on <= seen.known_on or not payers.is_timed)
    left join {{ ref('int_entity_identities') }} as payer_links
        on payer_links.entity = 'billing_customer' and persons.billing_customer_key = payer_links.source_key
    where seen.entity <> 'account'
),

account_customers as (
    select
        account_id,
        customer_id,
        known_on,
        row_number() over (partition by account_id order by known_on, entity, entity_key) as customer_number
    from identified
    where account_id is not null and not is_user
),

merged as (
    select links.entity, links.source_key as entity_key, min(links.valid_from_on) as merged_from_on
    from {{ ref('int_entity_links_ranked') }} as links
    inner join identified
        on links.entity = identified.entity and links.source_key = identified.entity_key
    where links.canonical_id <> identified.customer_id
    group by links.entity, links.source_key
)

select
    identified.entity,
    identified.entity_key,
    identified.source_name,
    identified.known_on,
    identified.customer_id,
    identified.is_user,
    merged.merged_from_on
from identified
left join merged on identified.entity = merged.entity and identified.entity_key = merged.entity_key

union all

select
    seen.entity, seen.entity_key, seen.source_name,
    -- What names the account counts for the customer once it is known whose account it is.
    greatest(seen.known_on, account_customers.known_on) as known_on, account_customers.customer_id, true as is_user,
    null as merged_from_on
from {{ ref('int_customer_keys_seen') }} as seen
left join {{ ref('int_entity_identities') }} as identities
    on identities.entity = 'account' and seen.entity_key = identities.source_key
inner join account_customers
    on coalesce(identities.canonical_id, seen.entity_key) = account_customers.account_id
    and account_customers.customer_number = 1
where seen.entity = 'account'
