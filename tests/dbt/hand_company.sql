-- Nine deals small enough to check the marts by hand; known as they occur, as of 2025-06-30.
insert into raw.stages (source_name, source_id, name, sort_order, win_probability, kind, occurred_at, observed_at)
values
('hand', 'X', 'Exploring', 1, null, 'open', '2020-01-01', '2020-01-01'),
('hand', 'P', 'Proposal', 2, 0.5, 'open', '2020-01-01', '2020-01-01'),
('hand', 'N', 'Negotiation', 3, 0.8, 'open', '2020-01-01', '2020-01-01'),
('hand', 'W', 'Closed Won', 4, 1, 'won', '2020-01-01', '2020-01-01'),
('hand', 'L', 'Closed Lost', 5, 0, 'lost', '2020-01-01', '2020-01-01');

insert into raw.owners (source_name, source_id, name, team_path, is_active, occurred_at, observed_at)
values ('hand', 'O1', 'Ann', 'sales/emea', true, '2020-01-01', '2020-01-01');

insert into raw.accounts (source_name, source_id, name, segment, region, occurred_at, observed_at)
values ('hand', 'A1', 'Acme', 'SMB', 'EMEA', '2020-01-01', '2020-01-01');

insert into raw.exchange_rates (source_name, source_id, from_currency_code, to_currency_code, rate, rate_on, occurred_at)
values ('hand', 'R1', 'EUR', 'USD', 1.1, '2024-01-01', '2024-01-01');

create temporary table history (deal_id text, at timestamptz, field_name text, value text);
insert into history
values
-- Stagnant and silent.
('D1', '2025-04-01', 'stage', 'P'), ('D1', '2025-04-01', 'amount', '10000'), ('D1', '2025-04-01', 'currency_code', 'USD'),
('D1', '2025-04-01', 'expected_close_on', '2025-07-20'),
-- In good shape, in euros.
('D2', '2025-06-20', 'stage', 'N'), ('D2', '2025-06-20', 'amount', '2000'), ('D2', '2025-06-20', 'currency_code', 'EUR'),
('D2', '2025-06-20', 'expected_close_on', '2025-08-10'),
-- No rate from pounds.
('D3', '2025-06-25', 'stage', 'P'), ('D3', '2025-06-25', 'amount', '500'), ('D3', '2025-06-25', 'currency_code', 'GBP'),
-- No account, no amount, no stage probability.
('D4', '2025-06-28', 'stage', 'X'),
-- Won in May, June and June of the year before; one lost.
('D5', '2025-04-10', 'stage', 'P'), ('D5', '2025-04-10', 'amount', '3000'), ('D5', '2025-04-10', 'currency_code', 'USD'),
('D5', '2025-05-15', 'stage', 'W'),
('D6', '2025-06-01', 'stage', 'P'), ('D6', '2025-06-01', 'amount', '1000'), ('D6', '2025-06-01', 'currency_code', 'EUR'),
('D6', '2025-06-10', 'stage', 'W'),
('D7', '2025-06-01', 'stage', 'P'), ('D7', '2025-06-01', 'amount', '900'), ('D7', '2025-06-01', 'currency_code', 'USD'),
('D7', '2025-06-12', 'stage', 'L'),
('D8', '2024-06-01', 'stage', 'P'), ('D8', '2024-06-01', 'amount', '2000'), ('D8', '2024-06-01', 'currency_code', 'USD'),
('D8', '2024-06-20', 'stage', 'W'),
-- Pushed three times and overdue.
('D9', '2025-05-20', 'stage', 'P'), ('D9', '2025-05-20', 'amount', '5000'), ('D9', '2025-05-20', 'currency_code', 'USD'),
('D9', '2025-05-20', 'expected_close_on', '2025-05-25'), ('D9', '2025-05-25', 'expected_close_on', '2025-06-01'),
('D9', '2025-06-01', 'expected_close_on', '2025-06-10'), ('D9', '2025-06-10', 'expected_close_on', '2025-06-18'),
('D9', '2025-05-20', 'has_decision_maker', 'false');

insert into history
select deal_id, min(at), 'owner', 'O1' from history group by deal_id
union all
select deal_id, min(at), 'account', 'A1' from history where deal_id <> 'D4' group by deal_id;

insert into raw.deals (source_name, source_id, name, occurred_at, observed_at)
select 'hand', deal_id, 'Deal ' || deal_id, min(at), '2025-07-15' from history group by deal_id;

insert into raw.deal_changes (source_name, source_id, deal_source_id, occurred_at, field_name, new_value)
select 'hand', 'C' || row_number() over (order by deal_id, at, field_name, value), deal_id, at, field_name, value
from history;

insert into raw.activities (source_name, source_id, deal_source_id, kind, occurred_at)
values ('hand', 'T1', 'D2', 'call', '2025-06-29'), ('hand', 'T2', 'D9', 'email', '2025-06-09');

insert into raw.import_runs (source_name, mapping_sha256, read_count, accepted_count, rejected_count, status)
values ('hand', 'x', 10, 8, 2, 'finished');
insert into raw.rejected_rows (import_id, table_name, file_name, line_number, reason)
select import_id, 'deals', 'deals.csv', line_number, 'amount is not a number'
from raw.import_runs cross join (values (7), (4)) as refused (line_number);
