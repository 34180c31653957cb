-- name: truth
select deal_id, as_of_date, probability
from truth.deal_win_probability
where as_of_date between %(first)s::date and %(last)s::date
order by as_of_date, deal_id
