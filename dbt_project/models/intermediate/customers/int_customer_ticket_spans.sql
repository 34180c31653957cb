-- Grain: one row per ticket and day something else became known of it (validity is exclusive at its end).
{%- set agreed = ['customer', 'billing_customer', 'account', 'solved_at'] %}
with changes as (
    select * from {{ ref('stg_customers__ticket_changes') }} where is_readable
),

shown as (
    select
        ticket_id, known_on, observed_on, customer_key as customer, billing_customer_key as billing_customer,
        account_key as account, cast(solved_on as {{ dbt.type_string() }}) as solved_at, status
    from {{ ref('stg_customers__tickets') }}
),

entities as (
    {{ as_agreed('shown', 'changes', 'ticket_id', agreed, ['status']) }}
),

states as (
    {{ history_states('changes', 'entities', 'ticket_id', agreed + ['status']) }}
),

keyed as (
    select
        ticket_id, valid_from_on, status, customer as customer_key, billing_customer as billing_customer_key,
        account as account_key, cast(solved_at as date) as solved_on,
        coalesce(
            lead(valid_from_on) over (partition by ticket_id order by valid_from_on), {{ end_of_time() }}
        ) as next_from_on
    from states
)

select
    keyed.ticket_id,
    tickets.source_name,
    {{ event_entity('keyed') }} as entity,
    {{ event_key('keyed') }} as entity_key,
    tickets.occurred_on,
    keyed.valid_from_on,
    least(keyed.next_from_on, coalesce(tickets.deleted_on, {{ end_of_time() }})) as valid_to_on,
    keyed.solved_on,
    coalesce(keyed.status in ('solved', 'closed', 'resolved', 'done', 'cancelled', 'canceled'), false) as is_closed,
    tickets.is_recorded_early
from keyed
inner join {{ ref('stg_customers__tickets') }} as tickets on keyed.ticket_id = tickets.ticket_id
where
    {{ event_key('keyed') }} is not null
    and keyed.valid_from_on < least(keyed.next_from_on, coalesce(tickets.deleted_on, {{ end_of_time() }}))
