-- What a database would look like on an earlier day, for what customer features read. %(day)s is the first moment not
-- yet known. Forgetting, restoring and overwriting of the CRM's own tables is in ../replay.sql.

-- name: mess_orders
-- Late, early and deleted rows, returns of a currency without rates, cancellations, and columns that show the end.
update raw.orders set
    recorded_at = case when random() < 0.2 then occurred_at + (random() * 90 - 10) * interval '1 day' else recorded_at end,
    deleted_at = case when random() < 0.03 then occurred_at + random() * interval '300 days' end
-- name: mess_order_lines
update raw.order_lines set
    recorded_at = case when random() < 0.2 then occurred_at + random() * interval '60 days' else recorded_at end,
    product_category = case when random() < 0.1 then null else product_category end,
    deleted_at = case when random() < 0.03 then occurred_at + random() * interval '300 days' end
-- name: mess_order_changes
insert into raw.order_changes (
    source_name, source_id, order_source_id, occurred_at, recorded_at, field_name, old_value, new_value
)
select
    o.source_name, f.name || o.source_id, o.source_id, o.occurred_at + interval '20 days',
    o.occurred_at + random() * interval '80 days' + interval '20 days', f.name, f.before, f.after
from raw.orders as o
cross join lateral (values
    ('status', 'paid', 'cancelled'), ('customer', o.customer_source_id, 'shopper of nobody'), ('is_return', null, 'true')
) as f (name, before, after)
where random() < 0.05
-- name: mess_sessions
update raw.sessions set
    recorded_at = case when random() < 0.2 then occurred_at + (random() * 60 - 10) * interval '1 day' else recorded_at end,
    deleted_at = case when random() < 0.02 then occurred_at + random() * interval '200 days' end
-- name: mess_usage_events
update raw.usage_events set
    recorded_at = case when random() < 0.2 then occurred_at + (random() * 60 - 10) * interval '1 day' else recorded_at end,
    account_source_id = null, billing_customer_source_id = null
-- name: mess_daily_usage
insert into raw.daily_usage (
    source_name, source_id, account_source_id, usage_on, recorded_at, feature_name, event_count, usage_score, deleted_at
)
select
    'simulator', 'messy ' || a.source_id || ' ' || d, a.source_id, d::date,
    case when random() < 0.3 then d + random() * interval '50 days' end, 'fax', floor(random() * 5), random(),
    case when random() < 0.1 then d + random() * interval '90 days' end
from raw.accounts as a
cross join generate_series(timestamptz '2022-01-01', '2025-12-01', '9 days') as d
where a.source_name = 'simulator' and random() < 0.3
-- name: mess_tickets
update raw.tickets set
    recorded_at = case when random() < 0.2 then occurred_at + (random() * 60 - 10) * interval '1 day' else recorded_at end
-- name: mess_more_tickets
insert into raw.tickets (
    source_name, source_id, occurred_at, recorded_at, billing_customer_source_id, status, solved_at, observed_at
)
select
    'simulator', 'messy ' || b.source_id || ' ' || d, d, case when random() < 0.3 then d + interval '12 days' end,
    b.source_id, 'open', case when random() < 0.5 then d + random() * interval '100 days' end, d
from raw.billing_customers as b
cross join generate_series(timestamptz '2023-11-01 12:00Z', '2025-12-01', '11 days') as d
where random() < 0.2
-- name: mess_ticket_changes
update raw.ticket_changes set recorded_at = occurred_at + random() * interval '40 days' where random() < 0.3
-- name: mess_subscription_changes
update raw.subscription_changes set recorded_at = occurred_at + random() * interval '120 days' where random() < 0.2
-- name: mess_plans
insert into raw.subscription_changes (
    source_name, source_id, subscription_source_id, subscription_item_source_id, occurred_at, recorded_at, field_name,
    old_value, new_value
)
select
    source_name, 'messy ' || source_id, subscription_source_id, source_id, d, d + random() * interval '20 days', 'plan',
    plan_source_id, 'another plan'
from raw.subscription_items
cross join lateral (select timestamptz '2025-04-05' + random() * interval '100 days' as d) as days
where random() < 0.5
-- name: mess_failures
insert into raw.payments (
    source_name, source_id, occurred_at, recorded_at, invoice_source_id, billing_customer_source_id, status, amount,
    currency_code, observed_at
)
select
    source_name, 'messy ' || source_id, occurred_at + interval '20 days',
    occurred_at + interval '20 days' + random() * interval '20 days', source_id,
    case when random() < 0.5 then billing_customer_source_id end, 'failed', total_amount, currency_code, observed_at
from raw.invoices
where random() < 0.3 and issued_on is not null
-- name: mess_invoices
update raw.invoices set recorded_at = occurred_at + random() * interval '40 days' where random() < 0.1
-- name: mess_invoice_changes
update raw.invoice_changes set recorded_at = occurred_at + random() * interval '40 days' where random() < 0.2
-- name: mess_payments
update raw.payments set recorded_at = occurred_at + random() * interval '40 days' where random() < 0.1
-- name: mess_payment_changes
update raw.payment_changes set recorded_at = occurred_at + random() * interval '40 days' where random() < 0.2
-- name: mess_customers
-- Told after their first orders and sessions.
update raw.customers set recorded_at = occurred_at + random() * interval '200 days' where random() < 0.1
-- name: mess_customer_changes
insert into raw.customer_changes (
    source_name, source_id, customer_source_id, occurred_at, recorded_at, field_name, old_value, new_value
)
select
    c.source_name, f.name || c.source_id, c.source_id, timestamptz '2023-01-01' + random() * interval '900 days',
    case when random() < 0.5 then timestamptz '2025-08-01' end, f.name, null, f.value
from raw.customers as c
cross join lateral (values ('country_code', 'JP'), ('region_code', 'TYO'), ('lead_source', 'fair')) as f (name, value)
where random() < 0.2

-- name: rewind
-- A column with a history shows what it showed that day: the latest known, else what the change known first replaced.
with told as (
    select
        c.source_name, c.{key} as entity_id, columns.column_name,
        greatest(coalesce(c.recorded_at, c.occurred_at, c.loaded_at), c.occurred_at) < %(day)s as is_known,
        coalesce(c.old_value, case when c.occurred_at is null then c.new_value end) as first_value,
        c.new_value, c.source_id, coalesce(c.occurred_at, c.recorded_at, c.loaded_at) as at,
        coalesce(c.recorded_at, c.occurred_at, c.loaded_at) as known_at
    from raw.{changes} as c
    inner join information_schema.columns as columns
        on columns.table_schema = 'raw' and columns.table_name = {name}
        and columns.column_name in (c.field_name, c.field_name || '_source_id')
    where {condition}
),

shown as (
    select
        source_name, entity_id, column_name,
        case when bool_or(is_known)
            then (array_agg(new_value order by at desc, known_at desc, source_id desc) filter (where is_known))[1]
            else (array_agg(first_value order by known_at, at, source_id))[1]
        end as value
    from told
    group by source_name, entity_id, column_name
),

patches as (
    select source_name, entity_id, jsonb_object_agg(column_name, value) as patch
    from shown
    group by source_name, entity_id
)

update raw.{table} as r set ({columns}) = (select {columns} from jsonb_populate_record(r, patches.patch))
from patches
where r.source_name = patches.source_name and r.source_id = patches.entity_id

-- name: reopen_subscriptions
update raw.subscriptions set
    ended_at = case when ended_at < %(day)s then ended_at end,
    cancel_requested_at = case when cancel_requested_at < %(day)s then cancel_requested_at end
-- name: reopen_tickets
update raw.tickets set solved_at = null where solved_at >= %(day)s
-- name: reopen_payments
update raw.payments set settled_on = null where settled_on >= %(day)s
-- name: overwrite_orders
update raw.orders as o set status = 'cancelled'
where coalesce(observed_at, loaded_at) >= %(day)s and not exists (
    select 1 from raw.order_changes as c where c.order_source_id = o.source_id and c.field_name = 'status'
)
-- name: overwrite_tickets
update raw.tickets as t set
    status = (array['open', 'closed'])[1 + floor(random() * 2)::int], priority = 'other', subject = 'other',
    satisfaction_score = random()
where coalesce(observed_at, loaded_at) >= %(day)s and not exists (
    select 1 from raw.ticket_changes as c where c.ticket_source_id = t.source_id and c.field_name = 'status'
)
-- name: overwrite_customers
update raw.customers set name = 'Other', email = 'other@example.com'
-- name: overwrite_sessions
update raw.sessions set platform = 'other', device_family = 'other', channel = 'other'
-- name: overwrite_invoices
-- Nobody knows since when an invoice without a history of disputes is disputed.
update raw.invoices as i set is_disputed = random() < 0.5, invoice_number = 'other'
where not exists (
    select 1 from raw.invoice_changes as c where c.invoice_source_id = i.source_id and c.field_name = 'is_disputed'
)

-- name: features
select * from features.ftr_customers where as_of_date = %(as_of_date)s order by customer_id

-- name: invoice_features
select * from features.ftr_invoices where as_of_date = %(as_of_date)s order by invoice_id

-- name: series
select * from features.ftr_monthly_series order by measure, segment_id, month_start_on
