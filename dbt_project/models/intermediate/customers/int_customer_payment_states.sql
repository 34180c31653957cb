-- Grain: one row per payment and day something else became known of it (validity is exclusive at its end).
-- A payment without a history is what it is shown as from its own known day: tries are rows of their own.
{%- set agreed = ['billing_customer', 'invoice', 'status', 'amount', 'settled_on'] %}
with changes as (
    select * from {{ ref('stg_invoicing__payment_changes') }} where is_readable
),

shown as (
    select
        payment_id, known_on, known_on as observed_on, customer_key as billing_customer, invoice_id as invoice, status,
        cast(amount as {{ dbt.type_string() }}) as amount, cast(settled_on as {{ dbt.type_string() }}) as settled_on
    from {{ ref('stg_invoicing__payments') }}
),

entities as (
    {{ as_agreed('shown', 'changes', 'payment_id', agreed) }}
),

states as (
    {{ history_states('changes', 'entities', 'payment_id', agreed) }}
),

followed as (
    select
        *,
        coalesce(
            lead(valid_from_on) over (partition by payment_id order by valid_from_on), {{ end_of_time() }}
        ) as next_from_on
    from states
)

select
    followed.payment_id,
    followed.valid_from_on,
    least(followed.next_from_on, coalesce(payments.deleted_on, {{ end_of_time() }})) as valid_to_on,
    followed.billing_customer as customer_key,
    followed.invoice as invoice_id,
    coalesce(followed.status, 'succeeded') as status,
    cast(followed.amount as {{ type_money() }}) as amount,
    coalesce(cast(followed.settled_on as date), payments.occurred_on) as occurred_on,
    cast(followed.settled_on as date) as settled_on
from followed
inner join {{ ref('stg_invoicing__payments') }} as payments on followed.payment_id = payments.payment_id
where followed.valid_from_on < least(followed.next_from_on, coalesce(payments.deleted_on, {{ end_of_time() }}))
