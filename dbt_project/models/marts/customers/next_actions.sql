-- Grain: one row per account, or customer or deal without one, that something can be won or lost with; ranked in money.
{%- set actions = ['save', 'collect', 'rescue', 'expand'] %}
with parts as (
    select
        *,
        -- Of equal actions the order of the list decides, of equal subjects the id.
        sum(action_amount) over (partition by party_kind, party_id, action) as amount_of_action,
        case action
            {%- for action in actions %}
            when '{{ action }}' then {{ loop.index }}
            {%- endfor %}
        end as action_order
    from {{ ref('next_action_parts') }}
),

numbered as (
    select
        *,
        row_number() over (
            partition by party_kind, party_id
            order by amount_of_action desc, action_order, action_amount desc, subject_id
        ) as part_number
    from parts
),

summed as (
    select
        party_kind,
        party_id,
        account_id,
        as_of_date,
        reporting_currency_code,
        sum(action_amount) as ranked_amount,
        {%- for action in actions %}
        coalesce(sum(case when action = '{{ action }}' then action_amount end), 0) as {{ action }}_amount,
        {%- endfor %}
        count(*) as part_count,
        max(case when part_number = 1 then action end) as best_action,
        max(case when part_number = 1 then amount_of_action end) as best_action_amount,
        max(case when part_number = 1 then subject_kind end) as subject_kind,
        max(case when part_number = 1 then subject_id end) as subject_id,
        max(case when part_number = 1 then probability end) as subject_probability,
        max(case when part_number = 1 then base_amount end) as subject_base_amount,
        max(case when part_number = 1 then action_amount end) as subject_amount
    from numbered
    group by party_kind, party_id, account_id, as_of_date, reporting_currency_code
),

customers as (
    select
        case when account_id is not null then 'account' else 'customer' end as party_kind,
        coalesce(account_id, customer_id) as party_id,
        health_score,
        health_change,
        row_number() over (
            partition by coalesce(account_id, customer_id), case when account_id is not null then 1 else 0 end
            order by health_score nulls last, customer_id
        ) as customer_number
    from {{ ref('account_health') }}
),

owners as (
    select accounts.account_id, accounts.owner_id
    from {{ ref('int_customer_account_spans') }} as accounts
    where {{ valid_on('accounts', as_of_date()) }}
)

select
    row_number() over (order by summed.ranked_amount desc, summed.party_kind, summed.party_id) as action_rank,
    summed.party_kind,
    summed.party_id,
    summed.as_of_date,
    summed.account_id,
    owners.owner_id,
    summed.reporting_currency_code,
    summed.best_action,
    cast(summed.best_action_amount as {{ type_money() }}) as best_action_amount,
    summed.subject_kind,
    summed.subject_id,
    summed.subject_probability,
    summed.subject_base_amount,
    summed.subject_amount,
    cast(summed.ranked_amount as {{ type_money() }}) as ranked_amount,
    {%- for action in actions %}
    cast(summed.{{ action }}_amount as {{ type_money() }}) as {{ action }}_amount,
    {%- endfor %}
    summed.part_count,
    customers.health_score as lowest_health_score,
    customers.health_change
from summed
left join customers
    on summed.party_kind = customers.party_kind and summed.party_id = customers.party_id
    and customers.customer_number = 1
left join owners on summed.account_id = owners.account_id
