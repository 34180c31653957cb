-- name: uniform
-- In [0, 1), from a hash, so that every run has the same rows.
create or replace function pg_temp.u(p_key bigint, p_seed integer) returns double precision
language sql immutable parallel safe
as $$ select (pg_catalog.hashint8extended(p_key, p_seed) & 1048575) / 1048576.0::float8 $$

-- name: chosen
-- Some are much more active than others: the density falls with the square root.
create or replace function pg_temp.chosen(p_key bigint, p_seed integer, p_customers bigint) returns text
language sql immutable parallel safe
as $$ select 'C' || (1 + floor(p_customers * pg_temp.u(p_key, p_seed) * pg_temp.u(p_key, p_seed + 100)))::bigint $$

-- name: moment
-- Three years up to the as-of date.
create or replace function pg_temp.moment(p_key bigint, p_seed integer) returns timestamptz
language sql stable parallel safe
as $$ select timestamptz '2023-01-01 00:00Z' + pg_temp.u(p_key, p_seed) * interval '1095 days' $$

-- name: customers
insert into raw.customers (source_name, source_id, occurred_at, country_code, lead_source, observed_at)
select
    'bench', 'C' || g, timestamptz '2023-01-01 00:00Z' + pg_temp.u(g, 1) * interval '700 days',
    (array['DE', 'US', 'GB', 'FR'])[1 + (3.999 * pg_temp.u(g, 2))::integer % 4],
    (array['ads', 'search', 'partner'])[1 + (2.999 * pg_temp.u(g, 3))::integer % 3],
    timestamptz '2025-12-31 00:00Z'
from generate_series(1, {customers}::bigint) as g

-- name: billing
-- One customer in ten has a subscription as well; a link makes the two one.
with payers as (
    insert into raw.billing_customers (source_name, source_id, occurred_at, currency_code, observed_at)
    select 'bench', 'C' || g, timestamptz '2023-01-01 00:00Z', 'USD', timestamptz '2025-12-31 00:00Z'
    from generate_series(10, {customers}::bigint, 10) as g
),

links as (
    insert into raw.entity_links (entity, source_name, source_id, canonical_id)
    select entity, 'bench', 'C' || g, 'bench:C' || g
    from generate_series(10, {customers}::bigint, 10) as g
    cross join (values ('customer'), ('billing_customer')) as entities (entity)
),

items as (
    insert into raw.subscription_items (
        source_name, source_id, occurred_at, subscription_source_id, quantity, unit_amount, currency_code,
        billing_period, started_on, observed_at
    )
    select
        'bench', 'S' || g, pg_temp.moment(g, 4), 'S' || g, 1 + floor(9 * pg_temp.u(g, 5)), 10, 'USD', 'month',
        pg_temp.moment(g, 4)::date, timestamptz '2025-12-31 00:00Z'
    from generate_series(10, {customers}::bigint, 10) as g
)

insert into raw.subscriptions (
    source_name, source_id, occurred_at, billing_customer_source_id, status, currency_code, started_at, ended_at,
    observed_at
)
select
    'bench', 'S' || g, pg_temp.moment(g, 4), 'C' || g, 'active', 'USD', pg_temp.moment(g, 4),
    case when pg_temp.u(g, 6) < 0.3 then pg_temp.moment(g, 4) + interval '400 days' end,
    timestamptz '2025-12-31 00:00Z'
from generate_series(10, {customers}::bigint, 10) as g

-- name: orders
-- Of twenty events of a customer: four orders, a line each, six sessions, five and a half uses, half a ticket.
insert into raw.orders (source_name, source_id, occurred_at, customer_source_id, currency_code, observed_at)
select
    'bench', 'O' || g, pg_temp.moment(g, 7), pg_temp.chosen(g, 8, {customers}),
    case when pg_temp.u(g, 9) < 0.9 then 'USD' else 'EUR' end, pg_temp.moment(g, 7)
from generate_series(1, 4 * {customers}::bigint) as g

-- name: order_lines
insert into raw.order_lines (
    source_name, source_id, occurred_at, order_source_id, product_category, quantity, amount
)
select
    'bench', 'L' || g, pg_temp.moment(g, 7), 'O' || g, 'K' || floor(12 * pg_temp.u(g, 10)),
    case when pg_temp.u(g, 11) < 0.95 then 1 else -1 end,
    case when pg_temp.u(g, 11) < 0.95 then 1 else -1 end * round((5 + 200 * pg_temp.u(g, 12))::numeric, 2)
from generate_series(1, 4 * {customers}::bigint) as g

-- name: sessions
insert into raw.sessions (
    source_name, source_id, occurred_at, customer_source_id, page_view_count, item_view_count, has_cart, has_order
)
select
    'bench', 'V' || g, pg_temp.moment(g, 13), pg_temp.chosen(g, 14, {customers}), 1 + floor(20 * pg_temp.u(g, 15)),
    floor(8 * pg_temp.u(g, 15)), pg_temp.u(g, 16) < 0.4, pg_temp.u(g, 16) < 0.2
from generate_series(1, 6 * {customers}::bigint) as g

-- name: usage_events
insert into raw.usage_events (source_name, source_id, occurred_at, customer_source_id, event_name, feature_name)
select
    'bench', 'E' || g, pg_temp.moment(g, 17), pg_temp.chosen(g, 18, {customers}), 'use',
    'F' || floor(10 * pg_temp.u(g, 19))
from generate_series(1, 11 * {customers}::bigint / 2) as g

-- name: tickets
insert into raw.tickets (source_name, source_id, occurred_at, customer_source_id, status, solved_at, observed_at)
select
    'bench', 'T' || g, pg_temp.moment(g, 20), pg_temp.chosen(g, 21, {customers}), 'closed',
    pg_temp.moment(g, 20) + pg_temp.u(g, 22) * interval '10 days', timestamptz '2025-12-31 00:00Z'
from generate_series(1, {customers}::bigint / 2) as g

-- name: exchange_rates
insert into raw.exchange_rates (
    source_name, source_id, occurred_at, from_currency_code, to_currency_code, rate, rate_on
)
select 'bench', 'EUR' || day::date, day, 'EUR', 'USD', 1.1, day::date
from generate_series(timestamptz '2022-12-01 00:00Z', timestamptz '2025-12-31 00:00Z', interval '1 week') as day
