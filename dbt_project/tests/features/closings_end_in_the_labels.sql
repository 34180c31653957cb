-- What is known of closings at the as-of date is what the labels say, and who was removed has none.
with closings as (
    select deal_id, segment_id, created_on, created_known_on, closed_on, closed_known_on, is_won, won_amount_reporting
    from {{ ref('lbl_deal_closings') }} as closings
    where known_from_on <= {{ as_of_date() }} and known_to_on > {{ as_of_date() }}
),

labels as (
    select deal_id, segment_id, created_on, created_known_on, closed_on, closed_known_on, is_won, won_amount_reporting
    from {{ ref('lbl_deals') }}
),

removed as (
    select deal_id from {{ ref('lbl_deal_removals') }}
    where known_from_on <= {{ as_of_date() }} and known_to_on > {{ as_of_date() }}
)

select deal_id, 'is in closings only' as what from (select * from closings except select * from labels) as found
union all
select deal_id, 'is in labels only' as what from (select * from labels except select * from closings) as missing
union all
select labels.deal_id, 'is removed' as what from labels inner join removed on labels.deal_id = removed.deal_id
