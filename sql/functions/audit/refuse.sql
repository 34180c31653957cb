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
        using hint = case tg_table_schema
            when 'audit' then 'Correct the financial row itself; the correction becomes an event.'
            when 'planning' then 'Reopen the month instead, and close it again: planning.reopen_month.'
            else 'Delete the rows instead: each deletion becomes an event.'
        end;
end;
$$;

comment on function audit.refuse() is 'Trigger: refuses what would leave no trace.';
