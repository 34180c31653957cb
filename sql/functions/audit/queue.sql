-- Takes the chain's head before a statement locks rows: taken only after it, two writers that change the same rows in
-- another order would wait for each other. Plain inserts wait when they are done, and so run side by side.
create or replace function audit.queue()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from audit.head as h for update;
    return null;
end;
$$;

comment on function audit.queue() is 'Trigger: writers that change or delete financial rows queue for the chain.';
