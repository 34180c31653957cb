-- What is owed to suppliers on a day, by supplier and currency, as known when the marts were built: from balances with
-- the days on which they held. A day after the build shows what was open then, aged to that day.
create or replace function metrics.ap_aging(p_as_of date)
returns table (
    supplier_id text,
    supplier_name text,
    currency_code text,
    current_amount numeric,
    overdue_1_30_amount numeric,
    overdue_31_60_amount numeric,
    overdue_61_90_amount numeric,
    overdue_over_90_amount numeric,
    open_amount numeric,
    on_account_amount numeric,
    payable_amount numeric,
    open_bill_count bigint,
    oldest_overdue_days integer
)
language sql
stable
parallel safe
security invoker
set search_path = ''
as $$
with balances as (
    select
        balances.*,
        p_as_of - balances.due_on as overdue_days
    from marts.payable_balances as balances
    where balances.valid_from_on <= p_as_of and p_as_of < balances.valid_to_on
)

select
    supplier_id,
    max(supplier_name),
    currency_code,
    coalesce(sum(balance_amount) filter (where is_open and overdue_days <= 0), 0),
    coalesce(sum(balance_amount) filter (where is_open and overdue_days between 1 and 30), 0),
    coalesce(sum(balance_amount) filter (where is_open and overdue_days between 31 and 60), 0),
    coalesce(sum(balance_amount) filter (where is_open and overdue_days between 61 and 90), 0),
    coalesce(sum(balance_amount) filter (where is_open and overdue_days > 90), 0),
    coalesce(sum(balance_amount) filter (where is_open), 0),
    coalesce(sum(balance_amount) filter (where not is_open), 0),
    sum(balance_amount),
    count(*) filter (where is_open),
    coalesce(max(overdue_days) filter (where is_open and overdue_days > 0), 0)
from balances
group by supplier_id, currency_code
order by sum(balance_amount) desc, supplier_id, currency_code
$$;

comment on function metrics.ap_aging(date)
is 'Payables on any day by supplier and currency: buckets by days past due, what is on account, and their sum.';
