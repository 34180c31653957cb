-- What is known of closings at the as-of date is what the labels say, and who was removed has none.
with closings as (
    select deal_id, segment_id, created_on, created_known_on, closed_on, closed_known_on, is_won, won_amount_reporting
    from {{ ref('lbl_deal_closings') }}
    where known_from_on <= {{ as_of_date() }} and known_to_on > {{ as_of_date() }}
),

labels as (
    select deal_id, segment_id, created_on, created_known_on, closed_on, closed_known_on, is_won, won_amount_reporting
    from {{ ref('lbl_deals') }}
),

removed as (
    select deal_id from {{ ref('lbl_deal_removals') }}
    where known_from_on <= {{ as_of_date() }} and known_to_on > {{ as_of_date() }}
),

compared as (
    select
        coalesce(closings.deal_id, labels.deal_id) as deal_id,
        case when closings.deal_id is null then 'has no closing' else 'has another closing' end as what
    from labels
    full outer join closings on labels.deal_id = closings.deal_id
    where closings.segment_id is distinct from labels.segment_id
        or closings.created_on is distinct from labels.created_on
        or closings.created_known_on is distinct from labels.created_known_on
        or closings.closed_on is distinct from labels.closed_on
        or closings.closed_known_on is distinct from labels.closed_known_on
        or closings.is_won is distinct from labels.is_won
        or closings.won_amount_reporting is distinct from labels.won_amount_reporting
)

select deal_id, what from compared
union all
select labels.deal_id, 'is removed' as what
from labels
inner join removed on labels.deal_id = removed.deal_id
