-- SHA-256 over a closing and its frozen rows: the closing's own row first, then rows by month and table, months and
-- tables in order. Columns are named, and texts do not depend on settings, so that the digest can be computed again at
-- any time, also when a table has got another column since.
create or replace function planning.frozen_digest(p_closing planning.month_closings)
returns text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO, YMD'
set timezone = 'UTC'
as $$
with hashed as (
    select
        1 as place, c.month_start_on,
        row(
            c.customer_id, c.currency_code, c.account_id, c.segment_id, c.mrr_amount, c.arr_amount,
            c.committed_mrr_amount, c.mrr_reporting_amount, c.arr_reporting_amount, c.committed_mrr_reporting_amount,
            c.first_paid_month_on
        )::text as line
    from planning.closed_mrr as c
    where c.closing_id = p_closing.closing_id
    union all
    select
        2 as place, c.month_start_on,
        row(c.customer_id, c.currency_code, c.movement, c.reason, c.movement_amount)::text as line
    from planning.closed_mrr_movements as c
    where c.closing_id = p_closing.closing_id
    union all
    select
        3 as place, c.month_start_on,
        row(c.customer_id, c.movement, c.reason, c.movement_reporting_amount)::text as line
    from planning.closed_mrr_movements_reporting as c
    where c.closing_id = p_closing.closing_id
    union all
    select
        4 as place, c.month_start_on,
        row(
            c.customer_id, c.currency_code, c.net_billed_amount, c.recognised_amount, c.recognised_reporting_amount,
            c.billed_to_date_amount, c.recognised_to_date_amount, c.recognised_reporting_to_date_amount,
            c.closing_deferred_amount, c.closing_unbilled_amount
        )::text as line
    from planning.closed_revenue as c
    where c.closing_id = p_closing.closing_id
),

parts as (
    select
        0 as place, null::date as month_start_on,
        sha256(convert_to(row(
            p_closing.closing_id, p_closing.month_start_on, p_closing.first_month_start_on, p_closing.as_of_date,
            p_closing.reporting_currency_code, p_closing.note, p_closing.mrr_row_count, p_closing.movement_row_count,
            p_closing.revenue_row_count, p_closing.mrr_reporting_amount, p_closing.arr_reporting_amount,
            p_closing.recognised_reporting_amount, p_closing.closed_by, p_closing.closed_at, p_closing.audit_event_id
        )::text, 'UTF8')) as digest
    union all
    select
        h.place, h.month_start_on,
        sha256(convert_to(row(h.place, h.month_start_on)::text, 'UTF8')
            || string_agg(sha256(convert_to(h.line, 'UTF8')), ''::bytea order by h.line collate "C")) as digest
    from hashed as h
    group by h.place, h.month_start_on
)

select encode(sha256(string_agg(p.digest, ''::bytea order by p.place, p.month_start_on)), 'hex')
from parts as p
$$;

comment on function planning.frozen_digest(planning.month_closings)
is 'Digest of a closing and its frozen rows, to compare with month_closings.frozen_sha256.';
