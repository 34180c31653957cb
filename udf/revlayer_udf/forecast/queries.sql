-- name: open_deals
select
    {columns}
from features.ftr_deals
where as_of_date = %(as_of)s::date

-- name: has_open_deals
select exists (select 1 from features.ftr_deals where as_of_date = %(as_of)s::date)

-- name: closed_deals
-- As they were known on each day by then. Deals that left no date of their own fall back on the next best one; unknown
-- amounts add nothing.
select
    coalesce(segment_id, 'Unknown') as segment_id,
    coalesce(created_on, created_known_on, closed_on) as created_on,
    coalesce(created_known_on, created_on, closed_on) as created_known_on,
    closed_on,
    known_from_on,
    known_to_on,
    is_won,
    coalesce(won_amount_reporting::double precision, 0) as amount
from features.lbl_deal_closings
where known_from_on <= %(known_by)s::date

-- name: past_open_deals
-- Open deals of earlier month ends by stage, class of days in it (null where unknown), the interval in which they were
-- won, lost or out of sight, and which of it.
-- As all was known on the as-of date: what was closed or deleted after it, or became known after it, was open; what was
-- deleted or merged by then was out of sight from the day it left the open deals.
with followed as (
    select
        coalesce(features.stage_name, '') as stage_name,
        features.days_in_stage::integer as days_in_stage,
        case when known.deal_id is null then 'censored' when known.is_won then 'won' else 'lost' end as outcome,
        greatest(coalesce(known.closed_on, removed.left_open_on, %(as_of)s::date) - features.as_of_date, 1) as days
    from features.ftr_deals as features
    left join features.lbl_deal_closings as known
        on features.deal_id = known.deal_id
        and known.known_from_on <= %(as_of)s::date and known.known_to_on > %(as_of)s::date
    left join features.lbl_deal_removals as removed
        on features.deal_id = removed.deal_id
        and removed.known_from_on <= %(as_of)s::date and removed.known_to_on > %(as_of)s::date
    where features.as_of_date < %(as_of)s::date
)

select
    stage_name,
    -- An interval's end belongs to it; so does a class's last day.
    width_bucket(days_in_stage - 1, %(stage_days)s::integer[]) as days_class,
    width_bucket(days - 1, %(ends)s::integer[]) as place,
    outcome,
    count(*)
from followed
group by 1, 2, 3, 4
order by 1, 2, 3, 4
