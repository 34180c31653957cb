-- What a scenario is made of beside scoring.revenue_forecast_parts: one partition per run, attached with the forecast's.
create table scoring.revenue_scenario_basis (
    run_id bigint not null,
    as_of_date date not null,
    segment_id text not null,
    win_class integer not null check (win_class between 0 and 99),
    from_days integer not null check (from_days >= 0),
    to_days integer check (to_days > from_days),
    win_probability double precision not null check (win_probability between 0 and 1.000001),
    win_count double precision not null,
    mean_amount double precision not null,
    second_moment double precision not null
) partition by list (run_id);

create table scoring.revenue_forecast_horizon (
    run_id bigint not null,
    as_of_date date not null,
    segment_id text not null,
    mean_amount double precision not null,
    probability double precision not null check (probability > 0 and probability < 1),
    amount double precision not null
) partition by list (run_id);

comment on table scoring.revenue_scenario_basis is 'Expected wins of open deals by segment, class of win probability and days until they are won.';
comment on table scoring.revenue_forecast_horizon is 'Quantiles of won revenue in all months of a forecast together, by segment.';
