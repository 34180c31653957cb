-- Grain: one row per account and day its segment may have changed (validity is exclusive at its end).
-- While an account is merged into another one, that one's segment is its own. Days before the account in charge was
-- known are not covered.
with mergers as (
    select entity_id as account_id, merged_into_id, merged_from_on, merged_to_on
    from {{ ref('int_entity_merges') }}
    where entity = 'account'
),

edges as (
    select account_id, cast('0001-01-01' as date) as edge_on, cast(null as {{ dbt.type_string() }}) as merged_into_id
    from {{ ref('int_accounts_identified') }}
    union all
    select account_id, cast('0001-01-01' as date) as edge_on, null as merged_into_id from mergers
    union all
    select account_id, merged_to_on as edge_on, null as merged_into_id
    from mergers
    where merged_to_on < {{ end_of_time() }}
    union all
    select account_id, merged_from_on as edge_on, merged_into_id from mergers
),

speakers as (
    select
        account_id,
        coalesce(max(merged_into_id), account_id) as speaking_account_id,
        edge_on as valid_from_on,
        coalesce(lead(edge_on) over (partition by account_id order by edge_on), {{ end_of_time() }}) as valid_to_on
    from edges
    group by account_id, edge_on
)

select
    speakers.account_id,
    greatest(speakers.valid_from_on, spans.valid_from_on) as valid_from_on,
    least(speakers.valid_to_on, spans.valid_to_on) as valid_to_on,
    speakers.speaking_account_id,
    spans.segment_id
from speakers
inner join {{ ref('int_account_spans') }} as spans
    on speakers.speaking_account_id = spans.account_id
    and speakers.valid_from_on < spans.valid_to_on
    and speakers.valid_to_on > spans.valid_from_on
