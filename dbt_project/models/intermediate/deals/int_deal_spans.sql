-- Grain: one row per deal and day its state changed (validity is exclusive at its end).
with staged as (
    select
        states.*,
        coalesce(owners.canonical_id, states.owner_key) as owner_id,
        coalesce(accounts.canonical_id, states.account_key) as account_id,
        stages.stage_order,
        stages.stage_kind,
        stages.observed_on as stage_observed_on,
        case
            when states.is_merged then 'merged'
            when states.is_deleted then 'deleted'
            else coalesce(stages.stage_kind, 'open')
        end as status
    from {{ ref('int_deal_states') }} as states
    left join {{ ref('int_stages_identified') }} as stages on states.stage_id = stages.stage_id
    left join {{ ref('int_entity_identities') }} as owners
        on owners.entity = 'owner' and states.owner_key = owners.source_key
    left join {{ ref('int_entity_identities') }} as accounts
        on accounts.entity = 'account' and states.account_key = accounts.source_key
),

compared as (
    select
        *,
        lead(valid_from_on) over history as next_from_on,
        lag(status) over history as previous_status,
        lag(stage_id) over history as previous_stage_id,
        lag(stage_on) over history as previous_stage_on,
        lag(stage_order) over history as previous_stage_order,
        lag(stage_kind) over history as previous_stage_kind,
        lag(amount) over history as previous_amount,
        lag(owner_id) over history as previous_owner_id,
        lag(expected_close_on) over history as previous_close_on
    from staged
    window history as (partition by deal_id order by valid_from_on)
),

-- Running figures take the day as a prefix, so that a maximum is the latest and a minimum the first.
counted as (
    select
        *,
        -- The day of a closing can be corrected later; an open stage told again has not been entered again.
        max(case when stage_id is distinct from previous_stage_id
            or (stage_kind <> 'open' and stage_on is distinct from previous_stage_on) then
            cast(valid_from_on as {{ dbt.type_string() }})
            || coalesce(cast(stage_on as {{ dbt.type_string() }}), '')
        end) over known as stage_entry,
        max(case when status is distinct from previous_status then valid_from_on end) over known
            as status_from_on,
        min(case when amount is not null and previous_amount is null then
            cast(valid_from_on as {{ dbt.type_string() }}) || cast(amount as {{ dbt.type_string() }})
        end) over known as first_amount,
        min(case when amount is not null and previous_amount is null then
            cast(valid_from_on as {{ dbt.type_string() }}) || coalesce(currency_code, '')
        end) over known as first_currency,
        max(stage_observed_on) over known as stages_observed_on,
        count(case when stage_id <> previous_stage_id then 1 end) over known as stage_change_count,
        count(case when stage_order < previous_stage_order
            and stage_kind = 'open' and previous_stage_kind = 'open' then 1 end) over known
            as stage_backward_count,
        count(case when amount <> previous_amount then 1 end) over known as amount_change_count,
        count(case when owner_id <> previous_owner_id then 1 end) over known as owner_change_count,
        count(case when expected_close_on > previous_close_on then 1 end) over known
            as expected_close_push_count,
        count(case when expected_close_on < previous_close_on then 1 end) over known
            as expected_close_pull_count
    from compared
    window known as (
        partition by deal_id order by valid_from_on rows between unbounded preceding and current row
    )
)

select
    deal_id,
    valid_from_on,
    coalesce(next_from_on, {{ end_of_time() }}) as valid_to_on,
    {{ first_as_of('valid_from_on') }} as first_as_of_date,
    status,
    status_from_on,
    status = 'open' as is_open,
    status = 'won' as is_won,
    is_deleted,
    is_merged,
    stage_id,
    stage_kind,
    stages_observed_on,
    cast(nullif(substr(stage_entry, 11), '') as date) as stage_entered_on,
    amount,
    currency_code,
    cast(substr(first_amount, 11) as {{ type_money() }}) as initial_amount,
    nullif(substr(first_currency, 11), '') as initial_currency_code,
    account_id,
    owner_id,
    expected_close_on,
    forecast_category,
    cast(stage_change_count as integer) as stage_change_count,
    cast(stage_backward_count as integer) as stage_backward_count,
    cast(amount_change_count as integer) as amount_change_count,
    cast(owner_change_count as integer) as owner_change_count,
    cast(expected_close_push_count as integer) as expected_close_push_count,
    cast(expected_close_pull_count as integer) as expected_close_pull_count
from counted
