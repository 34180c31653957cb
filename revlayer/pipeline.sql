-- name: try_lock
select pg_try_advisory_lock(%s)

-- name: wait_for_lock
select pg_advisory_lock(%s)

-- name: known_dates
-- First and last day of which the raw tables know anything about deals.
-- Activities are left out: a meeting planned for next month is no news from next month.
select
    min((least(moment, loaded_at) at time zone %(zone)s)::date),
    max((least(moment, loaded_at) at time zone %(zone)s)::date)
from (
    select
        moments.moment,
        deals.loaded_at
    from raw.deals as deals
    cross join lateral (
        values
        (coalesce(deals.recorded_at, deals.occurred_at, deals.observed_at, deals.loaded_at)),
        (deals.observed_at),
        (deals.deleted_at)
    ) as moments (moment)
    union all
    select
        coalesce(recorded_at, occurred_at) as moment,
        loaded_at
    from raw.deal_changes
) as known
where moment is not null

-- name: installed_predictors
select substr(f.proname, length('predict_') + 1)
from pg_catalog.pg_proc as f
inner join pg_catalog.pg_namespace as n on f.pronamespace = n.oid
where n.nspname = 'scoring' and f.proname like 'predict\_%' and f.proname not like '%\_rows'
order by 1

-- name: has_features
select exists (select from features.ftr_deals where as_of_date = %s)

-- name: is_built
select to_regclass(%s) is not null

-- name: has_rows
select exists (select from {relation})

-- name: nearest_features
select
    max(as_of_date) filter (where as_of_date < %(day)s), min(as_of_date) filter (where as_of_date > %(day)s),
    max(as_of_date)
from features.ftr_deals

-- The live view, where it calls a function of this target.
-- name: live_view_over
select true
from pg_catalog.pg_rewrite as r
inner join pg_catalog.pg_depend as d on r.oid = d.objid and d.classid = 'pg_catalog.pg_rewrite'::regclass
inner join pg_catalog.pg_proc as f on d.refobjid = f.oid and d.refclassid = 'pg_catalog.pg_proc'::regclass
inner join pg_catalog.pg_namespace as n on f.pronamespace = n.oid
inner join pg_catalog.pg_class as v on r.ev_class = v.oid
inner join pg_catalog.pg_namespace as m on v.relnamespace = m.oid
where m.nspname = 'marts' and v.relname = 'live_deal_scores' and n.nspname = 'scoring' and f.proname = %s

-- name: live_view
select true
from pg_catalog.pg_class as v
inner join pg_catalog.pg_namespace as m on v.relnamespace = m.oid
where m.nspname = 'marts' and v.relname = 'live_deal_scores'

-- name: drop_live_view
drop view marts.live_deal_scores
