-- Grain: one row per subscription and day something else became known of it (validity is exclusive at its end).
-- As known then; int_subscription_spans tells what was so, however late it was known.
{%- set agreed = [
    'billing_customer', 'currency_code', 'started_at', 'trial_started_at', 'trial_ended_at', 'ended_at', 'paused_at',
    'resumes_at', 'cancel_requested_at',
] %}
{%- set observed = ['status', 'cancels_at', 'current_period_ended_at', 'committed_until'] %}
{%- set dates = agreed[2:] + observed[1:] %}
with changes as (
    select * from {{ ref('stg_billing__subscription_changes') }}
    where is_readable and subscription_item_id is null
),

shown as (
    select
        subscription_id,
        known_on,
        observed_on,
        customer_key as billing_customer,
        currency_code,
        status,
        {%- for date in dates %}
        cast({{ date | replace('_at', '_on') | replace('committed_until', 'committed_until_on') }} as
            {{- ' ' ~ dbt.type_string() }}) as {{ date }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('stg_billing__subscriptions') }}
),

entities as (
    {{ as_agreed('shown', 'changes', 'subscription_id', agreed, observed) }}
),

states as (
    {{ history_states('changes', 'entities', 'subscription_id', agreed + observed) }}
)

select
    states.subscription_id,
    subscriptions.source_name,
    states.valid_from_on,
    coalesce(
        lead(states.valid_from_on) over (partition by states.subscription_id order by states.valid_from_on),
        {{ end_of_time() }}
    ) as valid_to_on,
    subscriptions.deleted_on,
    states.billing_customer as customer_key,
    states.currency_code,
    lower(states.status) as status,
    coalesce(
        cast(states.started_at as date), cast(states.trial_started_at as date), subscriptions.occurred_on,
        subscriptions.known_on
    ) as started_on,
    {%- for date in dates[1:] %}
    cast(states.{{ date }} as date) as
        {{- ' ' ~ (date | replace('_at', '_on') | replace('committed_until', 'committed_until_on')) }}
        {{- ',' if not loop.last }}
    {%- endfor %}
from states
inner join {{ ref('stg_billing__subscriptions') }} as subscriptions
    on states.subscription_id = subscriptions.subscription_id
