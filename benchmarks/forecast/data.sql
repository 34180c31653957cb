-- name: tables
create table features.ftr_deals (
    deal_id text,
    as_of_date date,
    segment_id text,
    stage_name text,
    created_on date,
    expected_close_on date,
    forecast_amount numeric(18, 2),
    stage_crm_probability double precision,
    days_in_stage double precision
);
create table features.lbl_deal_closings (
    deal_id text,
    known_from_on date,
    known_to_on date,
    segment_id text,
    created_on date,
    created_known_on date,
    closed_on date,
    closed_known_on date,
    is_won boolean,
    won_amount_reporting numeric(18, 2)
);
create table features.lbl_deal_removals (deal_id text, known_from_on date, known_to_on date, left_open_on date)

-- name: numbers
-- Numbers between 0 and 1 that are the same in every run, several per deal.
create function pg_temp.share(p_number bigint, p_what integer) returns double precision
language sql immutable as $$ select (hashint8extended(p_number, p_what) & 1048575) / 1048576.0::double precision $$

-- name: open_deals
-- The first of 40 segments holds a fifth of the deals, the last one in 1,600.
insert into features.ftr_deals
select
    'open:' || number,
    %(as_of)s::date,
    'segment ' || lpad(least(floor(40 * power(pg_temp.share(number, 1), 2)), 39)::text, 2, '0'),
    'stage ' || (1 + number %% 5),
    %(as_of)s::date - 1 - floor(180 * pg_temp.share(number, 2))::integer,
    %(as_of)s::date - 10 + floor(180 * pg_temp.share(number, 3))::integer,
    round((2000 * exp(2.5 * pg_temp.share(number, 4)))::numeric, 2),
    0.1 + 0.2 * (number %% 5),
    floor(120 * pg_temp.share(number, 10))
from generate_series(1, %(deals)s::bigint) as number

-- name: closed_deals
-- Two closed deals for every open one, over 36 months.
insert into features.lbl_deal_closings
select
    'closed:' || deals.number,
    deals.created_on + deals.days,
    date '9999-12-31',
    'segment ' || lpad(least(floor(40 * power(pg_temp.share(deals.number, 5), 2)), 39)::text, 2, '0'),
    deals.created_on,
    deals.created_on,
    deals.created_on + deals.days,
    deals.created_on + deals.days,
    deals.is_won,
    case when deals.is_won then round((2000 * exp(2.5 * pg_temp.share(deals.number, 8)))::numeric, 2) end
from (
    select
        number,
        %(as_of)s::date - 200 - floor(900 * pg_temp.share(number, 6))::integer as created_on,
        5 + floor(190 * pg_temp.share(number, 7))::integer as days,
        pg_temp.share(number, 9) < 0.3 as is_won
    from generate_series(1, 2 * %(deals)s::bigint) as number
) as deals

-- name: past_open_deals
-- Month ends at which every closed deal was open: what close timing is learnt from.
insert into features.ftr_deals
select
    closed.deal_id,
    month_ends.day,
    closed.segment_id,
    'stage ' || (1 + hashtext(closed.deal_id) & 3),
    closed.created_on,
    closed.closed_on,
    1000,
    0.3,
    month_ends.day - closed.created_on
from features.lbl_deal_closings as closed
inner join (
    select (date_trunc('month', day) - interval '1 day')::date as day
    from generate_series(%(as_of)s::date - 900, %(as_of)s::date, interval '1 month') as day
) as month_ends
    on closed.created_on <= month_ends.day and closed.closed_on > month_ends.day and month_ends.day < %(as_of)s::date

-- name: indexes
create index on features.ftr_deals (as_of_date);
analyze features.ftr_deals;
analyze features.lbl_deal_closings
