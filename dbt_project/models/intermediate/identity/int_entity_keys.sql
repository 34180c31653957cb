-- Grain: one row per source row with a link, from the first day on which anything was told of it.
-- What a source row is called must not change when more becomes known of it, so that it counts from the first mention
-- of its key: its own row, a change, or another row that names it.
with told as (
    {%- for entity in ['deal', 'account', 'owner', 'product'] %}
    select '{{ entity }}' as entity, {{ entity }}_key as source_key, known_on from {{ ref('stg_crm__' ~ entity ~ 's') }}
    union all
    select '{{ entity }}' as entity, {{ entity }}_key as source_key, known_on
    from {{ ref('stg_crm__' ~ entity ~ '_changes') }}
    union all
    {%- endfor %}
    {%- for entity in ['account', 'owner', 'product'] %}
    select '{{ entity }}' as entity, {{ entity }}_key as source_key, greatest(known_on, observed_on) as known_on
    from {{ ref('stg_crm__deals') }}
    union all
    {%- endfor %}
    select field_name as entity, new_value as source_key, known_on
    from {{ ref('stg_crm__deal_changes') }}
    where field_name in ('account', 'owner', 'product')
    union all
    select 'owner' as entity, owner_key as source_key, greatest(known_on, observed_on) as known_on
    from {{ ref('stg_crm__accounts') }}
    union all
    select 'owner' as entity, new_value as source_key, known_on
    from {{ ref('stg_crm__account_changes') }}
    where field_name = 'owner'
    union all
    select 'deal' as entity, deal_key as source_key, known_on from {{ ref('stg_crm__activities') }}
    union all
    select entity, source_key, known_on from {{ ref('stg_crm__entity_attributes') }}
    where entity <> 'billing_customer'
    union all
    select 'billing_customer' as entity, customer_key as source_key, known_on
    from {{ ref('stg_billing__billing_customers') }}
)

select
    told.entity,
    told.source_key,
    min(told.known_on) as known_on
from told
inner join {{ ref('int_entity_links_ranked') }} as links
    on told.entity = links.entity and told.source_key = links.source_key and links.link_number = 1
group by told.entity, told.source_key
