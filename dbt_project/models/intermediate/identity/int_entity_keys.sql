-- Grain: one row per entity and source row.
{{ config(materialized='view') }}

select 'deal' as entity, deal_key as source_key, known_on, counts_from_at from {{ ref('stg_crm__deals') }}
union all
select 'account' as entity, account_key as source_key, known_on, counts_from_at from {{ ref('stg_crm__accounts') }}
union all
select 'owner' as entity, owner_key as source_key, known_on, counts_from_at from {{ ref('stg_crm__owners') }}
union all
select 'product' as entity, product_key as source_key, known_on, counts_from_at from {{ ref('stg_crm__products') }}
union all
select 'billing_customer' as entity, customer_key as source_key, known_on, counts_from_at
from {{ ref('stg_billing__billing_customers') }}
