-- Grain: one row per deal and as-of date that had an activity by then.
with identified as (
    select
        coalesce(identities.canonical_id, activities.deal_key) as deal_id,
        activities.kind,
        activities.direction,
        activities.is_decision_maker_present,
        activities.has_objection_handled,
        activities.occurred_on,
        activities.known_on,
        activities.deleted_on
    from {{ ref('stg_crm__activities') }} as activities
    left join {{ ref('int_entity_identities') }} as identities
        on identities.entity = 'deal' and activities.deal_key = identities.source_key
    where activities.deal_key is not null
),

paired as (
    select
        deals.deal_id,
        deals.as_of_date,
        activities.kind,
        activities.direction,
        activities.is_decision_maker_present,
        activities.has_objection_handled,
        activities.occurred_on,
        {{ days_between('activities.occurred_on', 'deals.as_of_date') }} as age_days
    from {{ ref('int_deals_as_of') }} as deals
    inner join identified as activities
        on deals.deal_id = activities.deal_id
        and activities.known_on <= deals.as_of_date
        and (activities.deleted_on is null or activities.deleted_on > deals.as_of_date)
)

select
    deal_id,
    as_of_date,
    count(*) as activity_count,
    count(*) filter (where age_days < 7) as activity_count_7d,
    count(*) filter (where age_days < 30) as activity_count_30d,
    count(*) filter (where age_days < 90) as activity_count_90d,
    count(*) filter (where age_days < 30 and kind = 'call') as call_count_30d,
    count(*) filter (where age_days < 30 and kind = 'email') as email_count_30d,
    count(*) filter (where age_days < 30 and kind = 'meeting') as meeting_count_30d,
    count(*) filter (where age_days < 30 and direction = 'inbound') as inbound_count_30d,
    count(*) filter (where is_decision_maker_present) as decision_maker_activity_count,
    count(*) filter (where has_objection_handled) as objection_handled_count,
    max(occurred_on) as last_activity_on
from paired
group by deal_id, as_of_date
