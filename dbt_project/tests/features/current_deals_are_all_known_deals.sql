-- No deal is lost or doubled between the source and its current state.
with known as (
    select count(*) as deal_count
    from {{ ref('int_deals_identified') }}
    where known_on <= {{ as_of_date() }}
),

current_deals as (
    select count(*) as deal_count from {{ ref('int_deals_current') }}
)

select known.deal_count as known_deal_count, current_deals.deal_count as current_deal_count
from known
cross join current_deals
where known.deal_count <> current_deals.deal_count
