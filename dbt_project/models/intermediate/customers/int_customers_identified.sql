-- Grain: one row per customer.
-- Of several keys of one kind, the one known first speaks for what its source says of the customer.
{%- set kinds = {'person': 'customer', 'payer': 'billing_customer'} %}
with keys as (
    select
        *,
        row_number() over (
            partition by customer_id, entity, is_user order by known_on, entity_key
        ) as key_number
    from {{ ref('int_customer_keys') }}
    where entity <> 'account'
)

select
    keys.customer_id,
    min(keys.known_on) as known_on,
    {%- for kind, entity in kinds.items() %}
    {%- set said = kind ~ 's' %}
    {%- for column, value in {
        'key': 'keys.entity_key', 'source_name': said ~ '.source_name', 'since_on': said ~ '.occurred_on',
        'known_on': said ~ '.known_on'
    }.items() %}
    max(case when keys.entity = '{{ entity }}' and not keys.is_user and keys.key_number = 1 then {{ value }} end)
        as {{ kind }}_{{ column }},
    {%- endfor %}
    {%- endfor %}
    -- It is gone when all that it is known by was merged or deleted.
    case
        when count(*) filter (where not keys.is_user) > 0
            and count(*) filter (where not keys.is_user)
            = count(least(keys.merged_from_on, persons.deleted_on, payers.deleted_on)) filter (where not keys.is_user)
            then max(least(keys.merged_from_on, persons.deleted_on, payers.deleted_on)) filter (where not keys.is_user)
        else {{ end_of_time() }}
    end as known_to_on
from keys
left join {{ ref('stg_customers__customers') }} as persons
    on keys.entity = 'customer' and keys.entity_key = persons.customer_key
left join {{ ref('stg_billing__billing_customers') }} as payers
    on keys.entity = 'billing_customer' and keys.entity_key = payers.customer_key
group by keys.customer_id
