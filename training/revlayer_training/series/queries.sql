-- name: exists
select to_regclass('features.ftr_monthly_series') is not null

-- name: series
select measure, segment_id, month_start_on, amount, left_out_count
from features.ftr_monthly_series
where as_of_date = %(as_of)s::date
