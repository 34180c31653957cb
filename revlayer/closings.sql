-- name: close_month
select planning.close_month(%(month)s::date, %(note)s::text)

-- name: reopen_month
select planning.reopen_month(%(month)s::date, %(reason)s::text)

-- name: closings
select
    closings.closing_id, closings.month_start_on, closings.first_month_start_on, closings.as_of_date,
    closings.reporting_currency_code, closings.mrr_reporting_amount, closings.recognised_reporting_amount,
    closings.mrr_row_count, closings.movement_row_count, closings.revenue_row_count, closings.closed_at,
    closings.closed_by, closings.note, reopenings.reopened_at, reopenings.reopened_by, reopenings.reason
from planning.month_closings as closings
left join planning.month_reopenings as reopenings on closings.closing_id = reopenings.closing_id
where %(closing_id)s::bigint is null or closings.closing_id = %(closing_id)s::bigint
order by closings.closing_id

-- name: is_intact
select planning.is_intact(%s::bigint)
