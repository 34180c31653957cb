-- Grain: one row per account.
-- Of several source rows of one account, the one known first speaks for what was only observed.
with named as (
    select
        sources.*,
        coalesce(identities.canonical_id, sources.account_key) as account_id,
        row_number() over (
            partition by coalesce(identities.canonical_id, sources.account_key)
            order by sources.known_at, sources.account_key
        ) as source_number
    from {{ ref('stg_crm__accounts') }} as sources
    left join {{ ref('int_entity_identities') }} as identities
        on identities.entity = 'account' and sources.account_key = identities.source_key
)

select
    account_id,
    source_name,
    account_name,
    known_on,
    observed_on,
    cast(industry as {{ dbt.type_string() }}) as observed_industry,
    cast(segment as {{ dbt.type_string() }}) as observed_segment,
    cast(region as {{ dbt.type_string() }}) as observed_region,
    cast(country_code as {{ dbt.type_string() }}) as observed_country_code,
    cast(employee_count as {{ dbt.type_string() }}) as observed_employee_count,
    cast(annual_revenue_amount as {{ dbt.type_string() }}) as observed_annual_revenue_amount
from named
where source_number = 1
