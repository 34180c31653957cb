-- Neither events nor the rows they tell of may vanish without a trace.
create or replace function audit.refuse()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
    raise exception '% of %.% is not allowed: its events are append-only', lower(tg_op), tg_table_schema, tg_table_name
        using hint = case
            when tg_table_schema = 'audit' then 'Correct the financial row itself; the correction becomes an event.'
            when tg_table_name like 'forecast\_ledger%' then 'What was published stays. Publish another forecast.'
            when tg_table_name in ('forecast_submissions', 'targets') then 'Enter a new row instead: the latest counts.'
            when tg_table_name in ('imports', 'rejected_rows') then 'Import a corrected file instead.'
            when tg_table_schema = 'planning' then 'Reopen the month instead, and close it again: planning.reopen_month.'
            else 'Delete the rows instead: each deletion becomes an event.'
        end;
end;
$$;

comment on function audit.refuse() is 'Trigger: refuses what would leave no trace.';
