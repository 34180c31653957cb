-- name: try_lock
select pg_try_advisory_lock(%s)

-- name: wait_for_lock
select pg_advisory_lock(%s)

-- name: known_dates
-- First and last day of which the raw tables know anything about deals, contracts, documents, orders, installs
-- or labelled snapshots.
-- Activities are left out: a meeting planned for next month is no news from next month.
select
    (min(least(known_at, observed_at, deleted_at, loaded_at)) at time zone %(zone)s)::date,
    (max(least(greatest(known_at, observed_at, deleted_at), loaded_at)) at time zone %(zone)s)::date
from (
    select
        coalesce(recorded_at, occurred_at, observed_at) as known_at,
        observed_at,
        deleted_at,
        loaded_at
    from (
        -- Deals without any time are known from loading.
        select
            recorded_at,
            occurred_at,
            coalesce(observed_at, case when coalesce(recorded_at, occurred_at) is null then loaded_at end)
                as observed_at,
            deleted_at,
            loaded_at
        from raw.deals
        union all
        select recorded_at, occurred_at, observed_at, deleted_at, loaded_at from raw.billing_customers
        union all
        select recorded_at, occurred_at, observed_at, deleted_at, loaded_at from raw.subscriptions
        union all
        select recorded_at, occurred_at, observed_at, deleted_at, loaded_at from raw.subscription_items
        union all
        select recorded_at, occurred_at, observed_at, deleted_at, loaded_at from raw.invoices
        union all
        select recorded_at, occurred_at, observed_at, deleted_at, loaded_at from raw.payments
        union all
        select recorded_at, occurred_at, observed_at, deleted_at, loaded_at from raw.credit_notes
        union all
        select recorded_at, occurred_at, observed_at, deleted_at, loaded_at from raw.supplier_bills
        union all
        select recorded_at, occurred_at, observed_at, deleted_at, loaded_at from raw.orders
        union all
        select recorded_at, occurred_at, null as observed_at, deleted_at, loaded_at from raw.deal_changes
        union all
        select recorded_at, occurred_at, null as observed_at, deleted_at, loaded_at from raw.billing_customer_changes
        union all
        select recorded_at, occurred_at, null as observed_at, deleted_at, loaded_at from raw.subscription_changes
        union all
        select recorded_at, occurred_at, null as observed_at, deleted_at, loaded_at from raw.invoice_changes
        union all
        select recorded_at, occurred_at, null as observed_at, deleted_at, loaded_at from raw.payment_changes
        union all
        select recorded_at, occurred_at, null as observed_at, deleted_at, loaded_at from raw.refunds
        union all
        select recorded_at, occurred_at, null as observed_at, deleted_at, loaded_at from raw.write_offs
        union all
        select recorded_at, occurred_at, null as observed_at, deleted_at, loaded_at from raw.supplier_bill_changes
        union all
        select recorded_at, occurred_at, null as observed_at, deleted_at, loaded_at from raw.supplier_payments
        union all
        select recorded_at, occurred_at, null as observed_at, deleted_at, loaded_at from raw.order_changes
        union all
        select recorded_at, occurred_at, null as observed_at, deleted_at, loaded_at from raw.installs
        union all
        select recorded_at, snapshot_at as occurred_at, null as observed_at, deleted_at, loaded_at
        from raw.customer_snapshots
        union all
        select null as recorded_at, labelled_at as occurred_at, null as observed_at, null as deleted_at, loaded_at
        from raw.customer_snapshots
    ) as rows_of_all
) as known
where coalesce(known_at, observed_at, deleted_at) is not null

-- name: installed_predictors
select substr(f.proname, length('predict_') + 1)
from pg_catalog.pg_proc as f
inner join pg_catalog.pg_namespace as n on f.pronamespace = n.oid
where n.nspname = 'scoring' and f.proname like 'predict\_%' and f.proname not like '%\_rows'
order by 1

-- name: has_features
select exists (select from {relation} where as_of_date = %s)

-- name: is_built
select to_regclass(%s) is not null

-- name: has_rows
select exists (select from {relation})

-- name: nearest_features
select
    max(as_of_date) filter (where as_of_date < %(day)s), min(as_of_date) filter (where as_of_date > %(day)s),
    max(as_of_date)
from {relation}

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
