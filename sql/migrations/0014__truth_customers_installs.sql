-- Simulator only, like truth.deal_win_probability: what its world knows of shoppers, subscribers and installs.
create table truth.shopper_states (
    customer_id text primary key,
    purchases_per_day double precision not null check (purchases_per_day > 0),
    dropout_probability double precision not null check (dropout_probability between 0 and 1),
    expected_order_amount double precision not null check (expected_order_amount > 0),
    currency_code text not null,
    dropped_at timestamptz
);
create table truth.subscription_disengagements (
    subscription_id text primary key,
    from_on date not null,
    full_on date not null,
    depth double precision not null check (depth between 0 and 1),
    check (from_on <= full_on)
);
create table truth.install_revenue (
    install_id text primary key,
    payer_probability double precision not null check (payer_probability between 0 and 1),
    payer_log_mean double precision not null,
    payer_log_sigma double precision not null check (payer_log_sigma > 0),
    expected_purchase_amount double precision not null check (expected_purchase_amount >= 0),
    expected_ad_amount double precision not null check (expected_ad_amount >= 0)
);

comment on table truth.shopper_states is
'How often a shopper buys while alive and for how much, the chance that an order is the last, and when it was.';
comment on table truth.subscription_disengagements is
'When interest in a subscription that ends begins to fade and has faded, and by how much. None: the end is sudden.';
comment on table truth.install_revenue is
'Of the seven days after an install, in US dollars: P(payer), law of a payer''s purchases, expected amounts.';
