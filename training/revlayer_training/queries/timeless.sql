-- name: has_attributes
select to_regclass('features.ftr_deal_attributes') is not null

-- name: attributes
select deal_id, attribute_name, attribute_value, is_won
from features.ftr_deal_attributes
order by deal_id, attribute_name
