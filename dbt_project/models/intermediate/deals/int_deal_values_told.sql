-- Grain: one row per deal and thing told of it: a value of a field, its beginning, a day its account's segment changed.
-- Deals and what was told of them by the as-of date, each with the place it takes in the order of telling.
{{ config(materialized='view') }}
{%- set observed_fields = [
    'currency_code', 'amount', 'expected_close_on', 'forecast_category', 'owner', 'account', 'stage'
] %}
{#- What is told at the same instant is applied in this order: what a deal is like before what becomes of it. #}
{%- set fields = observed_fields + ['is_deleted', 'is_merged'] %}

with deals as (
    select * from {{ ref('int_deals_identified') }} where known_on <= {{ as_of_date() }}
),

told as (
    select
        deals.deal_id,
        deals.known_on as begun_on,
        greatest(changes.known_on, deals.known_on) as changed_on,
        greatest(changes.known_at, changes.occurred_at, deals.counts_from_at) as changed_at,
        changes.known_on <= deals.known_on
        and greatest(changes.known_at, changes.occurred_at) <= deals.counts_from_at as is_beginning,
        changes.field_name,
        changes.new_value,
        changes.occurred_at,
        changes.known_at,
        changes.change_id
    from deals
    inner join {{ ref('int_deal_changes_identified') }} as changes on deals.deal_id = changes.deal_id
    where changes.known_on <= {{ as_of_date() }} and changes.field_name in (
        '{{ fields | join("', '") }}'
    )

    {% for field in observed_fields %}
    union all

    -- What was only observed ranks below every change, and is told at the start of the day it was observed.
    select
        deal_id, known_on as begun_on, observed_on as changed_on,
        case when observed_on = known_on then counts_from_at end as changed_at,
        observed_on = known_on as is_beginning, '{{ field }}' as field_name,
        observed_{{ field }} as new_value,
        null as occurred_at, null as known_at, null as change_id
    from deals
    where observed_{{ field }} is not null and observed_on >= known_on and observed_on <= {{ as_of_date() }}
    {% endfor %}
    union all

    select
        deals.deal_id, deals.known_on as begun_on, deals.known_on as changed_on, deals.counts_from_at as changed_at,
        true as is_beginning, 'beginning' as field_name, null as new_value, null as occurred_at, null as known_at,
        null as change_id
    from deals
),

identified as (
    select
        told.*,
        coalesce(identities.canonical_id, told.new_value) as value
    from told
    left join {{ ref('int_entity_identities') }} as identities
        on told.field_name in ('owner', 'account')
        and told.field_name = identities.entity and told.new_value = identities.source_key
),

-- A segment ends without another where the account was merged into one that is not known yet.
segment_edges as (
    select account_id, valid_from_on as edge_on from {{ ref('int_account_segment_spans') }}
    union
    select account_id, valid_to_on as edge_on
    from {{ ref('int_account_segment_spans') }}
    where valid_to_on < {{ end_of_time() }}
),

held as (
    select distinct deal_id, begun_on, value as account_id
    from identified
    where field_name = 'account' and value is not null
)

select
    deal_id,
    begun_on,
    changed_on,
    changed_at,
    is_beginning,
    field_name,
    value,
    occurred_at,
    known_at,
    change_id,
    case field_name
        {%- for field in fields %}
        when '{{ field }}' then {{ loop.index }}
        {%- endfor %}
        else 0
    end as field_order
from identified

union all

select
    held.deal_id, held.begun_on, segment_edges.edge_on as changed_on, null as changed_at, false as is_beginning,
    'segment' as field_name, null as value, null as occurred_at, null as known_at, null as change_id, 0 as field_order
from held
inner join segment_edges
    on held.account_id = segment_edges.account_id
    and segment_edges.edge_on > held.begun_on and segment_edges.edge_on <= {{ as_of_date() }}
