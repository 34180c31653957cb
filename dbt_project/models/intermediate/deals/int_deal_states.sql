-- Grain: one row per deal and day on which something about it became known.
{{ config(materialized='view') }}

-- observed_is_deleted and observed_is_merged do not exist in sources: both come as changes only.
with entities as (
    select
        *,
        cast(null as {{ dbt.type_string() }}) as observed_is_deleted,
        cast(null as {{ dbt.type_string() }}) as observed_is_merged
    from {{ ref('int_deals_identified') }}
),

states as (
    {{ history_states(
        ref('int_deal_changes_identified'), 'entities', 'deal_id',
        [
            'stage', 'amount', 'currency_code', 'expected_close_on', 'owner', 'account',
            'forecast_category', 'is_deleted', 'is_merged'
        ],
        dated=['stage']
    ) }}
)

select
    deal_id,
    valid_from_on,
    stage as stage_id,
    cast(stage_on as date) as stage_on,
    cast(amount as {{ type_money() }}) as amount,
    cast(expected_close_on as date) as expected_close_on,
    owner as owner_key,
    currency_code,
    forecast_category,
    account as account_key,
    coalesce(is_deleted = 'true', false) as is_deleted,
    coalesce(is_merged = 'true', false) as is_merged
from states
