-- Grain: one row per subscription and day a field changed (validity is exclusive at its end).
-- The first span begins with time itself. From starts_on to ends_on it runs; dates win over the status, which counts
-- where a date is missing. A start or end that is told after it took effect counts from its own day.
{{ keep_by_customer('subscription_id') }}

with shown as (
    select
        subscription_id,
        customer_key as billing_customer,
        currency_code,
        {{ dbt.cast('null', dbt.type_string()) }} as status,
        {%- for day in ['started', 'trial_started', 'trial_ended', 'ended', 'paused'] %}
        cast({{ day }}_on as {{ dbt.type_string() }}) as {{ day }}_at,
        {%- endfor %}
        cast(cancels_on as {{ dbt.type_string() }}) as cancels_at,
        cast(resumes_on as {{ dbt.type_string() }}) as resumes_at,
        cast(committed_until_on as {{ dbt.type_string() }}) as committed_until,
        cast(is_auto_renewed as {{ dbt.type_string() }}) as is_auto_renewed,
        lower(status) as shown_status,
        coalesce(occurred_on, known_on) as begun_on,
        observed_on
    from {{ ref('stg_billing__subscriptions') }}
    where known_on <= {{ as_of_date() }} and (deleted_on is null or deleted_on > {{ as_of_date() }})
        and {{ is_changed('subscription_id') }}
),

changes as (
    select
        subscription_id, field_name, {{ value_before() }} as old_value, new_value, occurred_at, known_at,
        occurred_on, known_on, change_id
    from {{ ref('stg_billing__subscription_changes') }}
    where is_readable and subscription_item_id is null
        and subscription_id in (select subscription_id from shown)
),

states as (
    {{ tracked_spans('changes', 'shown', 'subscription_id', [
        'billing_customer', 'currency_code', 'status', 'started_at', 'trial_started_at', 'trial_ended_at',
        'cancels_at', 'ended_at', 'paused_at', 'resumes_at', 'committed_until', 'is_auto_renewed',
    ]) }}
),

dated as (
    select
        states.subscription_id,
        states.valid_from_on,
        states.valid_to_on,
        states.billing_customer as customer_key,
        states.currency_code,
        lower(states.status) as status,
        shown.shown_status,
        shown.observed_on,
        case
            when lower(states.status) in {{ subscription_statuses('void') }}
                or (states.status is null and shown.shown_status in {{ subscription_statuses('void') }})
                then {{ end_of_time() }}
            else coalesce(cast(states.started_at as date), cast(states.trial_started_at as date), shown.begun_on)
        end as starts_on,
        cast(states.trial_started_at as date) as trial_started_on,
        cast(states.trial_ended_at as date) as trial_ended_on,
        coalesce(
            cast(states.ended_at as date),
            cast(states.cancels_at as date),
            case
                when lower(states.status) in {{ subscription_statuses('ended') }} then states.valid_from_on
                when states.status is null and shown.shown_status in {{ subscription_statuses('ended') }}
                    then shown.observed_on
            end
        ) as ends_on,
        cast(states.paused_at as date) as paused_on,
        cast(states.resumes_at as date) as resumes_on,
        case when states.is_auto_renewed = 'false' then cast(states.committed_until as date) end as lapses_on
    from states
    inner join shown on states.subscription_id = shown.subscription_id
)

select
    dated.subscription_id,
    dated.valid_from_on,
    dated.valid_to_on,
    coalesce(identities.canonical_id, dated.customer_key) as customer_id,
    dated.currency_code,
    least(dated.starts_on, {{ told_later('dated.starts_on', 'dated.subscription_id') }}) as starts_on,
    coalesce(
        least(dated.ends_on, {{ told_later('dated.ends_on', 'dated.subscription_id') }}), {{ end_of_time() }}
    ) as ends_on,
    -- As told by then; what is told later is not known before.
    coalesce(least(dated.ends_on, dated.lapses_on), {{ end_of_time() }}) as told_ends_on,
    -- Outside its trial and pause a subscription has empty ones.
    case
        when dated.trial_ended_on is not null then coalesce(dated.trial_started_on, cast('0001-01-01' as date))
        when coalesce(dated.status, dated.shown_status) in {{ subscription_statuses('trial') }}
            then cast('0001-01-01' as date)
        else {{ end_of_time() }}
    end as trial_from_on,
    coalesce(dated.trial_ended_on, {{ end_of_time() }}) as trial_to_on,
    case
        when dated.paused_on is not null then dated.paused_on
        when dated.status in {{ subscription_statuses('paused') }} then dated.valid_from_on
        when dated.status is null and dated.shown_status in {{ subscription_statuses('paused') }}
            then dated.observed_on
        else {{ end_of_time() }}
    end as paused_from_on,
    case
        when dated.resumes_on > dated.paused_on then dated.resumes_on else {{ end_of_time() }}
    end as paused_to_on
from dated
left join {{ ref('int_entity_identities') }} as identities
    on identities.entity = 'billing_customer' and dated.customer_key = identities.source_key
where dated.customer_key is not null
