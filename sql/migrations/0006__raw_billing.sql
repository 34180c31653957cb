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


-- Contracts that money hangs on: what is sold, to whom, since when. Ends (…_ended_on, ended_at, valid_to) are exclusive.
create table raw.billing_customers (
    like record including all,
    name text,
    email text,
    account_source_id text,
    country_code text,
    region_code text,
    currency_code text,
    tax_number text,
    is_business boolean,
    is_tax_exempt boolean,
    payment_terms_days double precision,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.billing_customer_changes (
    like change including all,
    billing_customer_source_id text not null,
    primary key (source_name, source_id)
);

create table raw.plans (
    like record including all,
    name text,
    product_source_id text,
    tier_order double precision,
    tax_class text,
    is_active boolean,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.plan_changes (
    like change including all,
    plan_source_id text not null,
    primary key (source_name, source_id)
);

create table raw.prices (
    like record including all,
    plan_source_id text,
    product_source_id text,
    unit_amount numeric(24, 8),
    currency_code text,
    billing_period text check (billing_period in ('day', 'week', 'month', 'quarter', 'year', 'one_time')),
    billing_period_count double precision check (billing_period_count > 0),
    charge_model text check (charge_model in ('flat', 'per_unit', 'tiered', 'volume', 'usage')),
    recognition_method text
    check (recognition_method in ('straight_line', 'point_in_time', 'usage', 'milestone')),
    is_tax_inclusive boolean,
    is_active boolean,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.price_changes (
    like change including all,
    price_source_id text not null,
    primary key (source_name, source_id)
);
create table raw.price_tiers (
    like record including all,
    price_source_id text not null,
    from_quantity numeric(24, 8) not null,
    to_quantity numeric(24, 8),
    unit_amount numeric(24, 8),
    flat_amount numeric(24, 8),
    primary key (source_name, source_id)
);

create table raw.subscriptions (
    like record including all,
    billing_customer_source_id text not null,
    deal_source_id text,
    status text,
    currency_code text,
    started_at timestamptz,
    trial_started_at timestamptz,
    trial_ended_at timestamptz,
    current_period_started_at timestamptz,
    current_period_ended_at timestamptz,
    committed_until timestamptz,
    cancel_requested_at timestamptz,
    cancels_at timestamptz,
    ended_at timestamptz,
    paused_at timestamptz,
    resumes_at timestamptz,
    is_auto_renewed boolean,
    cancel_reason text,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.subscription_items (
    like record including all,
    subscription_source_id text not null,
    plan_source_id text,
    price_source_id text,
    product_source_id text,
    quantity numeric(24, 8),
    unit_amount numeric(24, 8),
    currency_code text,
    billing_period text check (billing_period in ('day', 'week', 'month', 'quarter', 'year', 'one_time')),
    billing_period_count double precision check (billing_period_count > 0),
    discount_rate double precision,
    discount_amount numeric(18, 2),
    discount_ended_on date,
    started_on date,
    ended_on date,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
-- One history for both: a change without an item concerns the subscription as a whole.
create table raw.subscription_changes (
    like change including all,
    subscription_source_id text not null,
    subscription_item_source_id text,
    reason text,
    is_prorated boolean,
    primary key (source_name, source_id)
);

create table raw.invoices (
    like record including all,
    billing_customer_source_id text,
    subscription_source_id text,
    invoice_number text,
    status text check (status in ('draft', 'open', 'paid', 'void', 'uncollectible')),
    currency_code text,
    subtotal_amount numeric(18, 2),
    tax_amount numeric(18, 2),
    total_amount numeric(18, 2),
    issued_on date,
    due_on date,
    settled_on date,
    voided_at timestamptz,
    is_disputed boolean,
    country_code text,
    region_code text,
    is_reverse_charge boolean,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.invoice_changes (
    like change including all,
    invoice_source_id text not null,
    primary key (source_name, source_id)
);
create table raw.invoice_lines (
    like record including all,
    invoice_source_id text not null,
    subscription_item_source_id text,
    product_source_id text,
    price_source_id text,
    tax_rate_source_id text,
    corrected_line_source_id text,
    line_type text,
    description text,
    quantity numeric(24, 8),
    unit_amount numeric(24, 8),
    discount_amount numeric(18, 2),
    amount numeric(18, 2),
    tax_amount numeric(18, 2),
    currency_code text,
    service_started_on date,
    service_ended_on date,
    recognition_method text
    check (recognition_method in ('straight_line', 'point_in_time', 'usage', 'milestone')),
    recognised_on date,
    tax_class text,
    is_proration boolean,
    check (service_started_on <= service_ended_on),
    primary key (source_name, source_id)
);
create table raw.revenue_milestones (
    like record including all,
    invoice_line_source_id text not null,
    name text,
    planned_on date,
    completed_on date,
    share_rate double precision,
    amount numeric(18, 2),
    observed_at timestamptz,
    primary key (source_name, source_id)
);

create table raw.payments (
    like record including all,
    billing_customer_source_id text,
    invoice_source_id text,
    status text check (status in ('pending', 'succeeded', 'failed', 'cancelled')),
    currency_code text,
    amount numeric(18, 2),
    fee_amount numeric(18, 2),
    payment_method text,
    attempt_number double precision,
    failure_code text,
    settled_on date,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.payment_changes (
    like change including all,
    payment_source_id text not null,
    primary key (source_name, source_id)
);
create table raw.payment_allocations (
    like record including all,
    payment_source_id text not null,
    invoice_source_id text not null,
    amount numeric(18, 2) not null,
    currency_code text,
    primary key (source_name, source_id)
);
create table raw.refunds (
    like record including all,
    payment_source_id text,
    credit_note_source_id text,
    amount numeric(18, 2) not null,
    currency_code text,
    reason text,
    primary key (source_name, source_id)
);
create table raw.credit_notes (
    like record including all,
    billing_customer_source_id text,
    invoice_source_id text,
    credit_note_number text,
    status text check (status in ('draft', 'open', 'applied', 'void')),
    currency_code text,
    subtotal_amount numeric(18, 2),
    tax_amount numeric(18, 2),
    total_amount numeric(18, 2),
    issued_on date,
    voided_at timestamptz,
    reason text,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.credit_note_lines (
    like record including all,
    credit_note_source_id text not null,
    invoice_line_source_id text,
    description text,
    quantity numeric(24, 8),
    amount numeric(18, 2),
    tax_amount numeric(18, 2),
    tax_rate_source_id text,
    tax_class text,
    currency_code text,
    service_started_on date,
    service_ended_on date,
    primary key (source_name, source_id)
);
create table raw.credit_note_allocations (
    like record including all,
    credit_note_source_id text not null,
    invoice_source_id text not null,
    amount numeric(18, 2) not null,
    currency_code text,
    primary key (source_name, source_id)
);
create table raw.write_offs (
    like record including all,
    invoice_source_id text not null,
    amount numeric(18, 2) not null,
    tax_amount numeric(18, 2),
    currency_code text,
    written_off_on date,
    reason text,
    primary key (source_name, source_id)
);

create table raw.suppliers (
    like record including all,
    name text,
    country_code text,
    region_code text,
    tax_number text,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.supplier_bills (
    like record including all,
    supplier_source_id text,
    bill_number text,
    status text check (status in ('draft', 'open', 'paid', 'void')),
    currency_code text,
    subtotal_amount numeric(18, 2),
    tax_amount numeric(18, 2),
    total_amount numeric(18, 2),
    issued_on date,
    due_on date,
    voided_at timestamptz,
    category text,
    country_code text,
    region_code text,
    is_reverse_charge boolean,
    observed_at timestamptz,
    primary key (source_name, source_id)
);
create table raw.supplier_bill_changes (
    like change including all,
    supplier_bill_source_id text not null,
    primary key (source_name, source_id)
);
create table raw.supplier_bill_lines (
    like record including all,
    supplier_bill_source_id text not null,
    description text,
    category text,
    amount numeric(18, 2),
    tax_amount numeric(18, 2),
    tax_rate_source_id text,
    tax_class text,
    currency_code text,
    primary key (source_name, source_id)
);
create table raw.supplier_payments (
    like record including all,
    supplier_bill_source_id text not null,
    amount numeric(18, 2) not null,
    currency_code text,
    payment_method text,
    primary key (source_name, source_id)
);

create table raw.tax_rates (
    like record including all,
    name text,
    country_code text not null,
    region_code text,
    tax_class text,
    customer_kind text check (customer_kind in ('business', 'consumer')),
    rate double precision not null check (rate >= 0 and rate < 10),
    is_reverse_charge boolean,
    valid_from date not null,
    valid_to date,
    check (valid_from < valid_to),
    primary key (source_name, source_id)
);
create table raw.tax_exemptions (
    like record including all,
    billing_customer_source_id text not null,
    country_code text,
    region_code text,
    tax_class text,
    certificate_number text,
    valid_from date,
    valid_to date,
    check (valid_from < valid_to),
    primary key (source_name, source_id)
);

create index on raw.billing_customer_changes (source_name, billing_customer_source_id);
create index on raw.subscriptions (source_name, billing_customer_source_id);
create index on raw.subscription_items (source_name, subscription_source_id);
create index on raw.subscription_changes (source_name, subscription_source_id);
create index on raw.invoices (source_name, billing_customer_source_id);
create index on raw.invoice_changes (source_name, invoice_source_id);
create index on raw.invoice_lines (source_name, invoice_source_id);
create index on raw.payments (source_name, billing_customer_source_id);
create index on raw.payment_changes (source_name, payment_source_id);
create index on raw.payment_allocations (source_name, invoice_source_id);
create index on raw.credit_note_lines (source_name, credit_note_source_id);
create index on raw.credit_note_allocations (source_name, invoice_source_id);
create index on raw.write_offs (source_name, invoice_source_id);
create index on raw.supplier_bill_changes (source_name, supplier_bill_source_id);
create index on raw.supplier_payments (source_name, supplier_bill_source_id);
-- Imports look up the last known value of an entity's field.
create index on raw.account_changes (source_name, account_source_id);
create index on raw.owner_changes (source_name, owner_source_id);
create index on raw.product_changes (source_name, product_source_id);

comment on table raw.billing_customers is 'Who is invoiced; account_source_id or entity_links join them to CRM accounts.';
comment on table raw.billing_customer_changes is 'One row per change of a billing customer''s field.';
comment on table raw.plans is 'What one subscribes to; tier_order tells an upgrade from a downgrade.';
comment on table raw.plan_changes is 'One row per change of a plan''s field.';
comment on table raw.prices is 'What a plan or product costs per billing period, in one currency.';
comment on table raw.price_changes is 'One row per change of a price''s field.';
comment on table raw.price_tiers is 'Steps of tiered and volume prices; to_quantity is exclusive, null is without end.';
comment on table raw.subscriptions is 'Agreements that renew; what was true earlier is in subscription_changes.';
comment on table raw.subscription_items is 'What a subscription holds: quantity and price per billing period.';
comment on table raw.subscription_changes is 'One row per change of a field of a subscription or of one of its items.';
comment on table raw.invoices is 'Invoices as the source shows them now; negative totals are credits.';
comment on table raw.invoice_changes is 'One row per change of an invoice''s field, such as status or is_disputed.';
comment on table raw.invoice_lines is 'Lines with service period, recognition method and tax class; amount is net of discount and tax.';
comment on table raw.revenue_milestones is 'Parts of an invoice line that are earned when they are completed.';
comment on table raw.payments is 'Money received, or tried: failed attempts are rows too.';
comment on table raw.payment_changes is 'One row per change of a payment''s field, such as status.';
comment on table raw.payment_allocations is 'Which part of a payment settles which invoice; negative rows take back.';
comment on table raw.refunds is 'Money returned to a customer.';
comment on table raw.credit_notes is 'Credits given; amounts are positive.';
comment on table raw.credit_note_lines is 'What is credited, per invoice line.';
comment on table raw.credit_note_allocations is 'Which part of a credit note reduces which invoice.';
comment on table raw.write_offs is 'Receivables given up; a negative row recovers.';
comment on table raw.suppliers is 'Who sends bills.';
comment on table raw.supplier_bills is 'Bills to pay.';
comment on table raw.supplier_bill_changes is 'One row per change of a supplier bill''s field.';
comment on table raw.supplier_bill_lines is 'Lines of supplier bills, with their tax.';
comment on table raw.supplier_payments is 'Money paid, per supplier bill; negative rows take back.';
comment on table raw.tax_rates is 'Tax rate by jurisdiction, product class, kind of customer and effective dates.';
comment on table raw.tax_exemptions is 'Which customer is exempt from which tax, and when.';
