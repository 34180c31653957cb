-- Every deal is open, labelled, deleted or merged, and nothing twice.
with deals as (
    select
        count(*) as deal_count,
        count(*) filter (where status in ('open', 'deleted', 'merged')) as unlabelled_count
    from {{ ref('int_deals_current') }}
),

labels as (
    select count(*) as label_count from {{ ref('lbl_deals') }}
)

select deals.deal_count, deals.unlabelled_count, labels.label_count
from deals
cross join labels
where deals.deal_count <> deals.unlabelled_count + labels.label_count
