-- name: rows
select deal_id, as_of_date, {columns}
from features.ftr_deals
where as_of_date between %(first)s::date and %(last)s::date
order by as_of_date, deal_id

-- name: newest
select deal_id, as_of_date, {columns}
from features.ftr_deals
where as_of_date = (select max(as_of_date) from features.ftr_deals where as_of_date <= %(last)s::date)
order by md5(deal_id), deal_id
limit 20000
