-- Grain: one row per customer and as-of date on which it was known, with what was known of it.
select
    customers.customer_id,
    dates.as_of_date,
    dates.month_sin,
    dates.month_cos,
    coalesce(payers.account_id, persons.account_id) as account_id,
    accounts.owner_id,
    owners.team_path,
    coalesce(accounts.segment_id, {{ unknown_segment() }}) as segment_id,
    coalesce(payer_rows.source_name, person_rows.source_name) as source_name,
    payers.currency_code,
    coalesce(persons.country_code, payers.country_code, accounts.country_code) as country_code,
    coalesce(persons.region_code, payers.region_code, accounts.region) as region,
    accounts.account_segment,
    accounts.industry,
    persons.lead_source,
    customers.known_on as first_known_on,
    least(person_rows.occurred_on, payer_rows.occurred_on) as created_on,
    {%- for kind in ['orders', 'sessions', 'usage', 'tickets', 'subscriptions', 'payments'] %}
    coalesce(coverage.{{ kind }}_from_on <= dates.as_of_date, false) as has_{{ kind }},
    {%- endfor %}
    coalesce(least(coverage.sessions_from_on, coverage.usage_from_on) <= dates.as_of_date, false) as has_activity
from {{ ref('int_customers_identified') }} as customers
inner join {{ ref('int_customer_as_of_dates') }} as dates
    on customers.known_on <= dates.as_of_date and customers.known_to_on > dates.as_of_date
left join {{ ref('int_customer_coverage') }} as coverage on customers.customer_id = coverage.customer_id
left join {{ ref('stg_customers__customers') }} as person_rows
    on customers.person_key = person_rows.customer_key and person_rows.known_on <= dates.as_of_date
left join {{ ref('stg_billing__billing_customers') }} as payer_rows
    on customers.payer_key = payer_rows.customer_key and payer_rows.known_on <= dates.as_of_date
left join {{ ref('int_customer_person_spans') }} as persons
    on customers.person_key = persons.customer_key and {{ valid_on('persons', 'dates.as_of_date') }}
left join {{ ref('int_customer_payer_spans') }} as payers
    on customers.payer_key = payers.customer_key and {{ valid_on('payers', 'dates.as_of_date') }}
left join {{ ref('int_customer_account_spans') }} as accounts
    on coalesce(payers.account_id, persons.account_id) = accounts.account_id
    and {{ valid_on('accounts', 'dates.as_of_date') }}
left join {{ ref('int_owner_spans') }} as owners
    on accounts.owner_id = owners.owner_id and {{ valid_on('owners', 'dates.as_of_date') }}
