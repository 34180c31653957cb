-- Grain: one row per closing of a month, reopened ones included.
{{ config(materialized='view') }}

select
    closings.closing_id,
    closings.month_start_on,
    closings.first_month_start_on,
    closings.as_of_date,
    closings.reporting_currency_code,
    closings.mrr_reporting_amount,
    closings.arr_reporting_amount,
    closings.recognised_reporting_amount,
    closings.mrr_row_count,
    closings.movement_row_count,
    closings.revenue_row_count,
    closings.frozen_sha256,
    closings.closed_at,
    closings.closed_by,
    closings.note,
    reopenings.closing_id is not null as is_reopened,
    reopenings.reopened_at,
    reopenings.reopened_by,
    reopenings.reason as reopening_reason
from {{ source('planning', 'month_closings') }} as closings
left join {{ source('planning', 'month_reopenings') }} as reopenings on closings.closing_id = reopenings.closing_id
