-- What a database would look like on an earlier day: nothing known later, and every column that shows
-- the source's later state overwritten with other valid values. %(day)s is the first moment not yet known.

-- name: add_deals_without_history
-- A source that shows states only: some seen in the middle of the history, most at its end.
insert into raw.deals
select (jsonb_populate_record(d, jsonb_build_object(
    'source_name', 'export', 'stage_source_id', case when d.closed_at is null then 'S1' else 'S2' end,
    'observed_at', case when random() < 0.4 then '2024-01-15 00:00:00+00' else d.observed_at::text end
))).*
from raw.deals as d
where d.source_name = 'simulator' and d.deleted_at is null
order by d.source_id
limit 120
-- name: add_stages_without_history
insert into raw.stages (source_name, source_id, occurred_at, name, sort_order, win_probability, kind, observed_at)
values
    ('export', 'S1', null, 'Talking', 1, 0.2, 'open', '2024-01-15'),
    ('export', 'S2', null, 'Signing', 2, 0.7, 'open', '2025-06-01')
-- name: add_closings_undone
-- Deals closed long ago, some of which are reopened, made cheaper or deleted in the end.
insert into raw.deal_changes (source_name, source_id, deal_source_id, field_name, new_value, occurred_at, recorded_at)
select
    source_name, 'undone:' || source_id, source_id,
    (array['stage', 'amount', 'is_deleted'])[1 + number % 3],
    (array[(select min(source_id) from raw.stages where source_name = 'simulator' and kind = 'open'), '1', 'true'])
        [1 + number % 3],
    '2025-12-10', '2025-12-10'
from (
    select source_name, source_id, row_number() over (order by source_id) as number
    from raw.deals where source_name = 'simulator' and closed_at < '2022-09-01' and deleted_at is null
) as closed
where number <= 30
-- name: forget_accounts
delete from raw.accounts where coalesce(recorded_at, occurred_at, observed_at, loaded_at) >= %(day)s
-- name: forget_account_changes
delete from raw.account_changes where coalesce(recorded_at, occurred_at, loaded_at) >= %(day)s
-- name: forget_owners
delete from raw.owners where coalesce(recorded_at, occurred_at, observed_at, loaded_at) >= %(day)s
-- name: forget_owner_changes
delete from raw.owner_changes where coalesce(recorded_at, occurred_at, loaded_at) >= %(day)s
-- name: forget_products
delete from raw.products where coalesce(recorded_at, occurred_at, observed_at, loaded_at) >= %(day)s
-- name: forget_product_changes
delete from raw.product_changes where coalesce(recorded_at, occurred_at, loaded_at) >= %(day)s
-- name: forget_deals
delete from raw.deals where coalesce(recorded_at, occurred_at, observed_at, loaded_at) >= %(day)s
-- name: forget_deal_changes
delete from raw.deal_changes where coalesce(recorded_at, occurred_at, loaded_at) >= %(day)s
-- name: forget_activities
delete from raw.activities where coalesce(recorded_at, occurred_at) >= %(day)s
-- name: forget_exchange_rates
delete from raw.exchange_rates where coalesce(recorded_at, occurred_at, loaded_at) >= %(day)s
-- name: forget_attributes
delete from raw.entity_attributes where recorded_at >= %(day)s
-- name: forget_links
delete from raw.entity_links where valid_from >= %(day)s
-- name: reopen_links
update raw.entity_links set valid_to = 'infinity' where valid_to >= %(day)s
-- name: restore_activities
update raw.activities set deleted_at = null where deleted_at >= %(day)s

-- name: overwrite_accounts
update raw.accounts set
    name = 'Other ' || source_id,
    industry = (array['Mining', 'Retail', 'Banking', null])[1 + floor(random() * 4)::int],
    segment = (array['SMB', 'Mid-Market', 'Enterprise'])[1 + floor(random() * 3)::int],
    region = (array['EMEA', 'APAC', 'Americas'])[1 + floor(random() * 3)::int],
    country_code = (array['DE', 'US', 'JP'])[1 + floor(random() * 3)::int],
    employee_count = floor(random() * 10000),
    annual_revenue_amount = round((random() * 1e8)::numeric, 2),
    currency_code = (array['USD', 'EUR', 'GBP'])[1 + floor(random() * 3)::int],
    deleted_at = null
where coalesce(observed_at, loaded_at) >= %(day)s

-- name: overwrite_owners
update raw.owners set
    name = 'Other ' || source_id,
    email = 'other@example.com',
    team_path = (array['Sales/North', 'Sales/South'])[1 + floor(random() * 2)::int],
    is_active = random() < 0.5,
    deleted_at = null
where coalesce(observed_at, loaded_at) >= %(day)s

-- name: overwrite_products
update raw.products set
    name = 'Other ' || source_id,
    family = (array['Core', 'Guard'])[1 + floor(random() * 2)::int],
    list_price_amount = round((random() * 1000)::numeric, 2),
    currency_code = (array['USD', 'EUR', 'GBP'])[1 + floor(random() * 3)::int],
    billing_period = (array['month', 'year'])[1 + floor(random() * 2)::int],
    deleted_at = null
where coalesce(observed_at, loaded_at) >= %(day)s

-- name: overwrite_stages
update raw.stages set
    name = 'Other ' || source_id,
    sort_order = floor(random() * 10),
    win_probability = random()
where coalesce(observed_at, loaded_at) >= %(day)s

-- name: overwrite_deals
with ids as (
    select
        (select array_agg(source_id order by source_id) from raw.accounts) as accounts,
        (select array_agg(source_id order by source_id) from raw.owners) as owners,
        (select array_agg(source_id order by source_id) from raw.products) as products,
        (select array_agg(source_id order by source_id) from raw.stages) as stages
)
update raw.deals set
    name = 'Other ' || source_id,
    account_source_id = ids.accounts[1 + floor(random() * cardinality(ids.accounts))::int],
    owner_source_id = ids.owners[1 + floor(random() * cardinality(ids.owners))::int],
    product_source_id = ids.products[1 + floor(random() * cardinality(ids.products))::int],
    stage_source_id = ids.stages[1 + floor(random() * cardinality(ids.stages))::int],
    amount = round((random() * 1e6)::numeric, 2),
    currency_code = (array['USD', 'EUR', 'GBP', 'CHF'])[1 + floor(random() * 4)::int],
    expected_close_on = date '2022-01-01' + floor(random() * 1500)::int,
    closed_at = timestamptz '2022-01-01 00:00:00+00' + random() * interval '1500 days',
    forecast_category = (array['pipeline', 'commit'])[1 + floor(random() * 2)::int],
    deal_type = (array['New Business', 'Expansion'])[1 + floor(random() * 2)::int],
    lead_source = (array['Event', 'Partner'])[1 + floor(random() * 2)::int],
    lead_score = floor(random() * 100),
    planned_user_count = floor(random() * 500),
    discount_rate = random() / 2,
    contract_months = 12 * (1 + floor(random() * 3)),
    competitor_count = floor(random() * 5),
    has_champion = random() < 0.5,
    has_budget = random() < 0.5,
    has_decision_maker = random() < 0.5,
    -- A deletion is known on its own day: what is left is one that has not happened yet.
    deleted_at = case when deleted_at < %(day)s then deleted_at end
from ids
where coalesce(raw.deals.observed_at, raw.deals.loaded_at) >= %(day)s

-- name: features
select * from features.ftr_deals where as_of_date = %(as_of_date)s order by deal_id

-- name: closings
-- What was known of closings by the date, with what has ended since cut back to it.
select deal_id, known_from_on,
    case when known_to_on <= %(as_of_date)s then known_to_on else '9999-12-31' end as known_to_on,
    segment_id, created_on, created_known_on, closed_on, closed_known_on, is_won, won_amount_reporting
from features.lbl_deal_closings
where known_from_on <= %(as_of_date)s
order by deal_id, known_from_on

-- name: removals
select deal_id, known_from_on,
    case when known_to_on <= %(as_of_date)s then known_to_on else '9999-12-31' end as known_to_on,
    left_open_on
from features.lbl_deal_removals
where known_from_on <= %(as_of_date)s
order by deal_id, known_from_on

-- name: outcomes_of_the_day
select deal_id, segment_id, created_on, created_known_on, closed_on, closed_known_on, is_won, won_amount_reporting
from features.lbl_deal_closings
where known_from_on <= %(as_of_date)s and known_to_on > %(as_of_date)s
order by deal_id

-- name: labels
select deal_id, segment_id, created_on, created_known_on, closed_on, closed_known_on, is_won, won_amount_reporting
from features.lbl_deals
order by deal_id
