-- The columns every raw table starts with. (source_name, source_id) is the key;
-- a row is known from coalesce(recorded_at, occurred_at); deleted_at is a tombstone.
create temporary table record (
    source_name text not null check (source_name <> ''),
    source_id text not null check (source_id <> ''),
    occurred_at timestamptz,
    recorded_at timestamptz,
    loaded_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz
) on commit drop;

-- Histories are append-only: one row says that a field took a value. A wrong row is corrected by a later one.
create temporary table change (
    like record including all,
    field_name text not null,
    old_value text,
    new_value text,
    check (deleted_at is null)
) on commit drop;


-- People and companies that buy or use: shoppers, app users, users of an account. entity_links joins them to
-- billing customers (entity 'customer') where both describe one.
create table raw.customers (
    like record including all,
    name text,
    email text,
    account_source_id text,
    billing_customer_source_id text,
    country_code text,
    region_code text,
    lead_source text,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.customer_changes (
    like change including all,
    customer_source_id text not null,
    primary key (source_name, source_id)
);

create table raw.usage_events (
    like record including all,
    customer_source_id text,
    account_source_id text,
    billing_customer_source_id text,
    subscription_item_source_id text,
    event_name text not null,
    feature_name text,
    quantity numeric(24, 8),
    unit text,
    duration_seconds double precision,
    primary key (source_name, source_id)
);
create table raw.daily_usage (
    like record including all,
    customer_source_id text,
    account_source_id text,
    billing_customer_source_id text,
    subscription_item_source_id text,
    usage_on date not null,
    feature_name text,
    event_count double precision,
    session_count double precision,
    active_user_count double precision,
    active_seconds double precision,
    quantity numeric(24, 8),
    unit text,
    usage_score double precision check (usage_score between 0 and 1),
    primary key (source_name, source_id)
);
create table raw.sessions (
    like record including all,
    customer_source_id text,
    account_source_id text,
    order_source_id text,
    ended_at timestamptz,
    page_view_count double precision,
    item_view_count double precision,
    cart_add_count double precision,
    has_cart boolean,
    has_order boolean,
    platform text,
    device_family text,
    country_code text,
    channel text,
    primary key (source_name, source_id)
);

create table raw.tickets (
    like record including all,
    customer_source_id text,
    account_source_id text,
    billing_customer_source_id text,
    owner_source_id text,
    subject text,
    status text,
    priority text,
    category text,
    channel text,
    first_responded_at timestamptz,
    solved_at timestamptz,
    satisfaction_score double precision,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.ticket_changes (
    like change including all,
    ticket_source_id text not null,
    primary key (source_name, source_id)
);

create table raw.orders (
    like record including all,
    customer_source_id text,
    account_source_id text,
    billing_customer_source_id text,
    status text,
    currency_code text,
    subtotal_amount numeric(18, 2),
    discount_amount numeric(18, 2),
    shipping_amount numeric(18, 2),
    tax_amount numeric(18, 2),
    total_amount numeric(18, 2),
    country_code text,
    region_code text,
    channel text,
    is_return boolean,
    returned_order_source_id text,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.order_changes (
    like change including all,
    order_source_id text not null,
    primary key (source_name, source_id)
);
create table raw.order_lines (
    like record including all,
    order_source_id text not null,
    product_source_id text,
    product_category text,
    description text,
    quantity numeric(24, 8),
    unit_amount numeric(24, 8),
    discount_amount numeric(18, 2),
    amount numeric(18, 2),
    tax_amount numeric(18, 2),
    tax_class text,
    currency_code text,
    is_return boolean,
    returned_line_source_id text,
    primary key (source_name, source_id)
);

create table raw.installs (
    like record including all,
    customer_source_id text,
    app_name text,
    app_version text,
    country_code text,
    region_code text,
    install_source text,
    campaign_name text,
    platform text,
    device_family text,
    os_version text,
    primary key (source_name, source_id)
);
create table raw.install_events (
    like record including all,
    install_source_id text not null,
    event_name text not null,
    event_count double precision,
    revenue_amount numeric(24, 8),
    currency_code text,
    primary key (source_name, source_id)
);
create table raw.install_ad_revenues (
    like record including all,
    install_source_id text not null,
    revenue_on date not null,
    ad_network text,
    impression_count double precision,
    revenue_amount numeric(24, 8),
    currency_code text,
    primary key (source_name, source_id)
);

-- Rows that a team has made for churn training itself: features as they were at snapshot_at, and what came after.
create table raw.customer_snapshots (
    like record including all,
    customer_source_id text not null,
    snapshot_at timestamptz not null,
    activity_7d double precision,
    activity_30d double precision,
    time_since_last_use_days double precision,
    failed_renewals_30d double precision,
    tickets_7d double precision,
    tickets_30d double precision,
    plan_value double precision,
    region text,
    usage_score double precision check (usage_score between 0 and 1),
    is_churned boolean,
    labelled_at timestamptz,
    check (snapshot_at <= labelled_at),
    primary key (source_name, source_id)
);
create table raw.customer_snapshot_features (
    like record including all,
    customer_snapshot_source_id text not null,
    name text not null,
    number_value double precision,
    text_value text,
    check (number_value is null or text_value is null),
    primary key (source_name, source_id)
);

create index on raw.customer_changes (source_name, customer_source_id);
create index on raw.usage_events (source_name, customer_source_id, occurred_at);
create index on raw.daily_usage (source_name, customer_source_id, usage_on);
create index on raw.sessions (source_name, customer_source_id, occurred_at);
create index on raw.tickets (source_name, customer_source_id);
create index on raw.ticket_changes (source_name, ticket_source_id);
create index on raw.orders (source_name, customer_source_id, occurred_at);
create index on raw.order_changes (source_name, order_source_id);
create index on raw.order_lines (source_name, order_source_id);
create index on raw.install_events (source_name, install_source_id);
create index on raw.install_ad_revenues (source_name, install_source_id);
create index on raw.customer_snapshots (source_name, customer_source_id, snapshot_at);
create index on raw.customer_snapshot_features (source_name, customer_snapshot_source_id);

comment on table raw.customers is 'Shoppers and users, as the source shows them now.';
comment on table raw.customer_changes is 'One row per change of a customer''s field.';
comment on table raw.usage_events is 'What was used and when; quantity and unit bill usage.';
comment on table raw.daily_usage is 'Usage that arrives summed by day.';
comment on table raw.sessions is 'Visits; they begin at occurred_at.';
comment on table raw.tickets is 'Support cases, as the source shows them now; opened at occurred_at.';
comment on table raw.ticket_changes is 'One row per change of a ticket''s field, such as status.';
comment on table raw.orders is 'Purchases, placed at occurred_at; returns are rows of their own with negative amounts.';
comment on table raw.order_changes is 'One row per change of an order''s field, such as status.';
comment on table raw.order_lines is 'Lines of orders; returned lines have a negative quantity and amount.';
comment on table raw.installs is 'App installs, at occurred_at, with where they came from.';
comment on table raw.install_events is 'What happened after an install, purchases included.';
comment on table raw.install_ad_revenues is 'Revenue from advertisements shown, by install and day.';
comment on table raw.customer_snapshots is 'Labelled rows for churn training, made by the user: features at snapshot_at and the outcome.';
comment on table raw.customer_snapshot_features is 'Further typed features of a snapshot, declared in the mapping.';
