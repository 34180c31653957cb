-- Predictions of customers and installs: like those of deals, one partition per run, attached when complete.
create temporary table explained (
    raw_score double precision,
    base_score double precision,
    reason_1 text,
    reason_1_contribution double precision,
    reason_2 text,
    reason_2_contribution double precision,
    reason_3 text,
    reason_3_contribution double precision,
    features_hash bigint
) on commit drop;

create table scoring.customer_churn_predictions (
    run_id bigint not null,
    as_of_date date not null,
    customer_id text not null,
    churn_probability double precision not null check (churn_probability between 0 and 1),
    rung text not null,
    model_version text not null,
    like explained
) partition by list (run_id);

create table scoring.customer_value_predictions (
    run_id bigint not null,
    as_of_date date not null,
    customer_id text not null,
    value_amount double precision not null,
    value_p10_amount double precision not null,
    value_p90_amount double precision not null check (value_p10_amount <= value_p90_amount),
    rung text not null,
    model_version text not null,
    like explained
) partition by list (run_id);

create table scoring.customer_expansion_predictions (
    run_id bigint not null,
    as_of_date date not null,
    customer_id text not null,
    expansion_probability double precision not null check (expansion_probability between 0 and 1),
    expansion_amount double precision not null check (expansion_amount >= 0),
    rung text not null,
    model_version text not null,
    like explained
) partition by list (run_id);

create table scoring.install_revenue_predictions (
    run_id bigint not null,
    as_of_date date not null,
    install_id text not null,
    payer_probability double precision not null check (payer_probability between 0 and 1),
    revenue_amount double precision not null,
    revenue_p50_amount double precision not null,
    revenue_p90_amount double precision not null check (revenue_p50_amount <= revenue_p90_amount),
    revenue_p99_amount double precision not null check (revenue_p90_amount <= revenue_p99_amount),
    rung text not null,
    model_version text not null,
    like explained
) partition by list (run_id);

comment on table scoring.customer_churn_predictions is 'Probability that a customer leaves within the label horizon.';
comment on table scoring.customer_value_predictions is 'Revenue of a customer within the window ahead, in the reporting currency.';
comment on table scoring.customer_expansion_predictions is 'Whether recurring revenue of a customer grows within the horizon, and by how much if it does.';
comment on table scoring.install_revenue_predictions is 'Revenue of an install within its window: mean and quantiles, in the reporting currency.';
