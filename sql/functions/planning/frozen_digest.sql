-- SHA-256 over the frozen rows of a closing: rows by month and table, months and tables in order. Texts do not depend on
-- settings, so the digest can be computed again at any time.
create or replace function planning.frozen_digest(p_closing_id bigint)
returns text
language sql
stable
security definer
set search_path = ''
set datestyle = 'ISO, YMD'
as $$
with hashed as (
    select 1 as place, c.month_start_on, c::text as line from planning.closed_mrr as c where c.closing_id = p_closing_id
    union all
    select 2, c.month_start_on, c::text from planning.closed_mrr_movements as c where c.closing_id = p_closing_id
    union all
    select 3, c.month_start_on, c::text
    from planning.closed_mrr_movements_reporting as c
    where c.closing_id = p_closing_id
    union all
    select 4, c.month_start_on, c::text from planning.closed_revenue as c where c.closing_id = p_closing_id
),

months as (
    select
        h.place,
        h.month_start_on,
        sha256(string_agg(sha256(convert_to(h.line, 'UTF8')), ''::bytea order by h.line collate "C")) as digest
    from hashed as h
    group by h.place, h.month_start_on
)

select encode(sha256(coalesce(string_agg(m.digest, ''::bytea order by m.place, m.month_start_on), ''::bytea)), 'hex')
from months as m
$$;

comment on function planning.frozen_digest(bigint)
is 'Digest of the frozen rows of a closing, to compare with month_closings.frozen_sha256.';
