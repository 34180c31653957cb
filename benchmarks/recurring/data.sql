-- name: uniform
-- In [0, 1), from a hash, so that every run has the same rows.
create or replace function pg_temp.u(p_key bigint, p_seed integer) returns double precision
language sql immutable parallel safe
as $$ select (pg_catalog.hashint8extended(p_key, p_seed) & 1048575) / 1048576.0::float8 $$

-- name: accounts
insert into raw.accounts (source_name, source_id, occurred_at, name, segment, region, observed_at)
select
    'bench', 'A' || g, timestamptz '2022-12-01 00:00Z', 'Account ' || g,
    (array['SMB', 'Mid-Market', 'Enterprise'])[1 + (3 * pg_temp.u(g, 1))::integer % 3],
    (array['EMEA', 'AMER', 'APAC'])[1 + (3 * pg_temp.u(g, 2))::integer % 3], timestamptz '2022-12-01 00:00Z'
from generate_series(1, {customers}::bigint) as g

-- name: customers
insert into raw.billing_customers (
    source_name, source_id, occurred_at, name, account_source_id, currency_code, observed_at
)
select 'bench', 'C' || g, timestamptz '2022-12-01 00:00Z', 'Customer ' || g, 'A' || g, 'USD', now()
from generate_series(1, {customers}::bigint) as g

-- name: exchange_rates
insert into raw.exchange_rates (
    source_name, source_id, occurred_at, from_currency_code, to_currency_code, rate, rate_on
)
select 'bench', code || day::date, day, code, 'USD', round((base + 0.1 * sin(day::date - date '2022-12-01'))::numeric, 4), day::date
from (values ('EUR', 1.1), ('GBP', 1.27)) as rates (code, base),
    generate_series(timestamptz '2022-12-01 00:00Z', timestamptz '2025-12-31 00:00Z', interval '1 week') as day

-- name: catalogue
with plans as (
    insert into raw.plans (source_name, source_id, occurred_at, name, tier_order, observed_at)
    select 'bench', 'P' || g, timestamptz '2022-12-01 00:00Z', 'Plan ' || g, g, timestamptz '2022-12-01 00:00Z'
    from generate_series(1, 6) as g
)
insert into raw.prices (
    source_name, source_id, occurred_at, plan_source_id, unit_amount, currency_code, billing_period, charge_model,
    observed_at
)
select
    'bench', 'P' || g || code, timestamptz '2022-12-01 00:00Z', 'P' || g, 10 * g, code, 'month', 'per_unit',
    timestamptz '2022-12-01 00:00Z'
from generate_series(1, 6) as g, unnest(array['USD', 'EUR', 'GBP']) as code

-- name: subscriptions
-- Nine of ten begin before the first month of the window, the others in it; one in 80 ends in a month.
insert into raw.subscriptions (
    source_name, source_id, occurred_at, billing_customer_source_id, status, currency_code, started_at, ended_at,
    trial_started_at, trial_ended_at, observed_at
)
select
    'bench', 'S' || g, begun_at, 'C' || (1 + g % {customers}), 'active',
    case when pg_temp.u(1 + g % {customers}, 3) < 0.8 then 'USD' when pg_temp.u(1 + g % {customers}, 3) < 0.95 then 'EUR' else 'GBP' end,
    begun_at,
    case when pg_temp.u(g, 4) < 0.36 then begun_at + interval '30 days' + pg_temp.u(g, 5) * interval '1000 days' end,
    case when pg_temp.u(g, 6) < 0.3 then begun_at end,
    case when pg_temp.u(g, 6) < 0.3 then begun_at + interval '14 days' end, now()
from generate_series(1, {customers}::bigint * 115 / 100) as g,
    lateral (
        select timestamptz '2022-12-01 00:00Z'
            + case when pg_temp.u(g, 7) < 0.9 then pg_temp.u(g, 8) * 30 else pg_temp.u(g, 8) * 1000 end
            * interval '1 day' as begun_at
    ) as begun

-- name: items
-- Every fourth subscription has a second item; a third has prices of its own, some by the year.
insert into raw.subscription_items (
    source_name, source_id, occurred_at, subscription_source_id, plan_source_id, price_source_id, quantity,
    unit_amount, currency_code, billing_period, started_on, observed_at
)
select
    'bench', 'I' || key, subscriptions.occurred_at, subscriptions.source_id, 'P' || plan,
    case when not is_own then 'P' || plan || subscriptions.currency_code end, 1 + (pg_temp.u(key, 9) * 30)::integer,
    case when is_own then 12 * plan end, subscriptions.currency_code,
    case when is_own then case when pg_temp.u(key, 10) < 0.5 then 'year' else 'month' end end,
    subscriptions.started_at::date, now()
from raw.subscriptions,
    generate_series(1, 2) as number,
    lateral (select 2 * substr(source_id, 2)::bigint + number as key) as keys,
    lateral (select 1 + (pg_temp.u(key, 11) * 5)::integer as plan, pg_temp.u(key, 12) < 0.33 as is_own) as chosen
where number = 1 or pg_temp.u(key, 13) < 0.25

-- name: changes
-- Every item changes its quantity every nine months on average, now and then its discount.
insert into raw.subscription_changes (
    source_name, source_id, occurred_at, subscription_source_id, subscription_item_source_id, field_name, old_value,
    new_value, reason
)
select
    'bench', items.source_id || '/' || number, items.occurred_at + (number + pg_temp.u(key * 8 + number, 14)) * interval '230 days',
    items.subscription_source_id, items.source_id,
    case when is_discount then 'discount_rate' else 'quantity' end,
    case when is_discount then null else (items.quantity + number - 1)::bigint::text end,
    case when is_discount then '0.1' else (items.quantity + number)::bigint::text end,
    case when is_discount then 'discount' else 'seats' end
from raw.subscription_items as items,
    generate_series(0, 4) as number,
    lateral (select substr(items.source_id, 2)::bigint as key) as keys,
    lateral (select number = 3 and pg_temp.u(key, 15) < 0.3 as is_discount) as kinds
where pg_temp.u(key * 8 + number, 16) < 0.85

-- name: analyze
analyze raw.accounts, raw.billing_customers, raw.exchange_rates, raw.subscriptions, raw.subscription_items, raw.subscription_changes

-- name: change_some
-- Every {every}th customer gets another number of seats in the middle of the window, told only now.
insert into raw.subscription_changes (
    source_name, source_id, occurred_at, recorded_at, subscription_source_id, subscription_item_source_id,
    field_name, old_value, new_value, reason
)
select
    'bench', 'late/' || items.source_id, timestamptz '2024-06-15 10:00Z', timestamptz '2025-12-30 10:00Z',
    subscriptions.source_id, items.source_id, 'quantity', null, '40', 'seats'
from raw.subscriptions
inner join raw.subscription_items as items
    on items.source_name = subscriptions.source_name and items.subscription_source_id = subscriptions.source_id
where substr(subscriptions.billing_customer_source_id, 2)::bigint % {every} = 0

-- name: tables
select model_name, case when model_name like 'int%' then 'intermediate' else 'marts' end as schema_name
from intermediate.int_recurring_builds
order by model_name

-- name: content
select count(*), sum(hash_record_extended(t, 0)) from {table} as t
