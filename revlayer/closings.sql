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

-- name: frozen_months
with figures as (
    select
        month_start_on, 1 as mrr_rows, 0 as movement_rows, 0 as revenue_rows,
        mrr_reporting_amount, 0.00 as recognised_reporting_amount
    from planning.closed_mrr
    where closing_id = %(closing_id)s::bigint
    union all
    select month_start_on, 0, 1, 0, 0.00, 0.00
    from planning.closed_mrr_movements
    where closing_id = %(closing_id)s::bigint
    union all
    select month_start_on, 0, 0, 1, 0.00, recognised_reporting_amount
    from planning.closed_revenue
    where closing_id = %(closing_id)s::bigint
)

select
    month_start_on,
    sum(mrr_rows) as mrr_row_count,
    coalesce(sum(mrr_reporting_amount), 0)::numeric(18, 2) as mrr_reporting_amount,
    sum(movement_rows) as movement_row_count,
    sum(revenue_rows) as revenue_row_count,
    coalesce(sum(recognised_reporting_amount), 0)::numeric(18, 2) as recognised_reporting_amount
from figures
group by month_start_on
order by month_start_on
