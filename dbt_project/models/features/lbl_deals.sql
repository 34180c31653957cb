-- Grain: one row per deal that is closed at the as-of date.
-- The last outcome known by the as-of date: of a reopened deal only what it came to in the end.
-- Deleted and merged deals have no outcome.
select
    deals.deal_id,
    deals.segment_id,
    runs.owner_id,
    deals.created_on,
    deals.created_known_on,
    deals.closed_on,
    deals.closed_known_on,
    deals.is_won,
    case when deals.is_won then deals.amount_reporting end as won_amount_reporting,
    true as is_final
from {{ ref('int_deals_current') }} as deals
inner join {{ ref('int_deal_runs') }} as runs
    on deals.deal_id = runs.deal_id and deals.closed_known_on = runs.run_from_on
where deals.status in ('won', 'lost')
