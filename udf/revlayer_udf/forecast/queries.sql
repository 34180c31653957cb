-- name: open_deals
select
    {columns}
from features.ftr_deals
where as_of_date = %(as_of)s::date

-- name: has_open_deals
select exists (select 1 from features.ftr_deals where as_of_date = %(as_of)s::date)

-- name: closed_deals
-- Deals that left no date of their own fall back on the next best one; unknown amounts add nothing.
select
    coalesce(segment_id, 'Unknown') as segment_id,
    coalesce(created_on, created_known_on, closed_on) as created_on,
    coalesce(created_known_on, created_on, closed_on) as created_known_on,
    closed_on,
    coalesce(closed_known_on, closed_on) as closed_known_on,
    coalesce(is_won, false) as is_won,
    coalesce(won_amount_reporting::double precision, 0) as amount
from features.lbl_deals
where closed_on is not null
    and coalesce(closed_known_on, closed_on) <= %(known_by)s::date
