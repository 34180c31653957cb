-- name: month_ends
select distinct as_of_date
from features.ftr_deals
where as_of_date = (date_trunc('month', as_of_date) + interval '1 month' - interval '1 day')::date
    and as_of_date < %(through)s::date
order by as_of_date

-- name: last_known_date
select max(as_of_date) from features.ftr_deals

-- name: outcomes
select deal_id, closed_on, is_won
from features.lbl_deal_closings
where known_from_on <= %(through)s::date and known_to_on > %(through)s::date
