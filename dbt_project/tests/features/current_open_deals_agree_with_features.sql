-- Open deals are the same, and worth the same, in int_deals_current and in ftr_deals at the as-of date.
select
    coalesce(deals.deal_id, features.deal_id) as deal_id,
    deals.amount as current_amount,
    features.amount as feature_amount
from (select * from {{ ref('int_deals_current') }} where is_open) as deals
full outer join (select * from {{ ref('ftr_deals') }} where as_of_date = {{ as_of_date() }}) as features
    on deals.deal_id = features.deal_id
where deals.deal_id is null
    or features.deal_id is null
    or cast(deals.amount as {{ type_double() }}) is distinct from features.amount
    or deals.segment_id <> features.segment_id
