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

create table raw.accounts (
    like record including all,
    name text,
    industry text,
    segment text,
    region text,
    country_code text,
    employee_count double precision,
    annual_revenue_amount numeric(18, 2),
    currency_code text,
    parent_account_source_id text,
    owner_source_id text,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.account_changes (
    like change including all,
    account_source_id text not null,
    primary key (source_name, source_id)
);

create table raw.owners (
    like record including all,
    name text,
    email text,
    manager_source_id text,
    team_path text,
    is_active boolean,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.owner_changes (
    like change including all,
    owner_source_id text not null,
    primary key (source_name, source_id)
);

create table raw.products (
    like record including all,
    name text,
    family text,
    list_price_amount numeric(18, 2),
    currency_code text,
    billing_period text,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.product_changes (
    like change including all,
    product_source_id text not null,
    primary key (source_name, source_id)
);

create table raw.stages (
    like record including all,
    name text not null,
    pipeline_name text,
    sort_order double precision not null,
    win_probability double precision check (win_probability between 0 and 1),
    kind text not null check (kind in ('open', 'won', 'lost')),
    observed_at timestamptz,
    primary key (source_name, source_id)
);

create table raw.deals (
    like record including all,
    name text,
    account_source_id text,
    owner_source_id text,
    product_source_id text,
    stage_source_id text,
    amount numeric(18, 2),
    currency_code text,
    expected_close_on date,
    closed_at timestamptz,
    forecast_category text,
    deal_type text,
    lead_source text,
    lead_score double precision,
    planned_user_count double precision,
    discount_rate double precision,
    contract_months double precision,
    competitor_count double precision,
    has_champion boolean,
    has_budget boolean,
    has_decision_maker boolean,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.deal_changes (
    like change including all,
    deal_source_id text not null,
    primary key (source_name, source_id)
);

create table raw.activities (
    like record including all,
    deal_source_id text,
    account_source_id text,
    owner_source_id text,
    kind text not null check (kind in ('call', 'email', 'meeting', 'task', 'other')),
    direction text check (direction in ('inbound', 'outbound')),
    duration_minutes double precision,
    is_decision_maker_present boolean,
    has_objection_handled boolean,
    primary key (source_name, source_id)
);

create table raw.exchange_rates (
    like record including all,
    from_currency_code text not null,
    to_currency_code text not null,
    rate double precision not null check (rate > 0 and rate < 'infinity'),
    rate_on date not null,
    primary key (source_name, source_id)
);

-- Identity: which source rows are the same thing, and since when. An entity without a link
-- gets the canonical id source_name || ':' || source_id.
create table raw.entity_links (
    entity text not null,
    source_name text not null,
    source_id text not null,
    canonical_id text not null check (canonical_id <> ''),
    valid_from timestamptz not null default '-infinity',
    valid_to timestamptz not null default 'infinity',
    loaded_at timestamptz not null default clock_timestamp(),
    check (valid_from < valid_to),
    primary key (entity, source_name, source_id, valid_from)
);

-- Columns that only one source has; they become features by declaration.
create table raw.entity_attributes (
    entity text not null,
    source_name text not null,
    source_id text not null,
    name text not null,
    value text,
    recorded_at timestamptz not null,
    loaded_at timestamptz not null default clock_timestamp(),
    primary key (entity, source_name, source_id, name, recorded_at)
);

create index on raw.deal_changes (source_name, deal_source_id);
create index on raw.activities (source_name, deal_source_id);

comment on table raw.accounts is 'Companies, as the source shows them now; observed_at is when it was seen so.';
comment on table raw.account_changes is 'One row per change of an account field; the first value has old_value null.';
comment on table raw.owners is 'People who own deals; team_path runs from the top, parted by slashes.';
comment on table raw.owner_changes is 'One row per change of an owner field.';
comment on table raw.products is 'What is sold, with list price; observed_at is when it was seen so.';
comment on table raw.product_changes is 'One row per change of a product field.';
comment on table raw.stages is 'Pipeline stages with order, the CRM''s own win probability, and kind.';
comment on table raw.deals is 'Deals as the source shows them now; what was true earlier is in deal_changes.';
comment on table raw.deal_changes is 'One row per change of a deal field; the first value has old_value null.';
comment on table raw.activities is 'Calls, mails and meetings, each at its time.';
comment on table raw.exchange_rates is 'One unit of from_currency_code costs rate units of to_currency_code on rate_on.';
comment on table raw.entity_links is 'Which source rows are one thing, and the merges, with validity.';
comment on table raw.entity_attributes is 'Pass-through columns that only one source has.';
