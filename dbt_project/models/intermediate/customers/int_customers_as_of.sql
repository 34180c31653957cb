-- Grain: one row per customer and as-of date on which it was known, with what was known of it.
{%- set kinds = ['orders', 'sessions', 'usage', 'tickets', 'subscriptions', 'payments'] %}
with dated as (
    select
        customers.*,
        dates.as_of_date,
        dates.month_sin,
        dates.month_cos,
        customers.person_known_on <= dates.as_of_date as is_person_known,
        customers.payer_known_on <= dates.as_of_date as is_payer_known
    from {{ ref('int_customers_identified') }} as customers
    inner join {{ ref('int_customer_as_of_dates') }} as dates
        on customers.known_on <= dates.as_of_date and customers.known_to_on > dates.as_of_date
)

select
    dated.customer_id,
    dated.as_of_date,
    dated.month_sin,
    dated.month_cos,
    coalesce(payers.account_id, persons.account_id) as account_id,
    accounts.owner_id,
    owners.team_path,
    coalesce(accounts.segment_id, {{ unknown_segment() }}) as segment_id,
    coalesce(
        case when dated.is_payer_known then dated.payer_source_name end,
        case when dated.is_person_known then dated.person_source_name end
    ) as source_name,
    payers.currency_code,
    coalesce(persons.country_code, payers.country_code, accounts.country_code) as country_code,
    coalesce(persons.region_code, payers.region_code, accounts.region) as region,
    accounts.account_segment,
    accounts.industry,
    persons.lead_source,
    dated.known_on as first_known_on,
    least(
        case when dated.is_person_known then dated.person_since_on end,
        case when dated.is_payer_known then dated.payer_since_on end
    ) as created_on,
    {%- for kind in kinds %}
    coalesce(coverage.{{ kind }}_from_on <= dated.as_of_date, false) as has_{{ kind }},
    {%- endfor %}
    coalesce(least(coverage.sessions_from_on, coverage.usage_from_on) <= dated.as_of_date, false) as has_activity
from dated
left join {{ ref('int_customer_coverage') }} as coverage on dated.customer_id = coverage.customer_id
left join {{ ref('int_customer_person_spans') }} as persons
    on dated.person_key = persons.customer_key and {{ valid_on('persons', 'dated.as_of_date') }}
left join {{ ref('int_customer_payer_spans') }} as payers
    on dated.payer_key = payers.customer_key and {{ valid_on('payers', 'dated.as_of_date') }}
left join {{ ref('int_customer_account_spans') }} as accounts
    on coalesce(payers.account_id, persons.account_id) = accounts.account_id
    and {{ valid_on('accounts', 'dated.as_of_date') }}
left join {{ ref('int_owner_spans') }} as owners
    on accounts.owner_id = owners.owner_id and {{ valid_on('owners', 'dated.as_of_date') }}
