-- What changes or deletes financial rows waits for the chain's head before it locks any of them.
create function audit.queue() returns trigger language plpgsql
as $$ begin raise exception 'deploy is not finished'; end $$;

do $$
declare
    v_table regclass;
begin
    for v_table in select t.tgrelid::regclass from pg_trigger as t where t.tgname = 'audit_insert' loop
        execute format(
            'create trigger audit_queue before update or delete on %s'
            ' for each statement execute function audit.queue()',
            v_table
        );
    end loop;
end $$;
