-- Appends one event per row that a statement inserted, changed or deleted. The head's row lock is held until the
-- transaction ends, so that concurrent writers keep one chain; an aborted transaction leaves no gap.
create or replace function audit.record()
returns trigger
language plpgsql
volatile
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
    v_head audit.head%rowtype;
    v_event jsonb;
    v_rows text;
    v_common jsonb := jsonb_build_object(
        'table', tg_table_schema || '.' || tg_table_name, 'action', lower(tg_op),
        'by', session_user, 'at', clock_timestamp(), 'transaction', pg_current_xact_id()::text
    );
begin
    v_rows := case tg_op
        when 'INSERT' then 'select null::jsonb as before, to_jsonb(n) as after from new_rows as n'
        when 'DELETE' then 'select to_jsonb(o) as before, null::jsonb as after from old_rows as o'
        else 'select to_jsonb(o) as before, to_jsonb(n) as after from old_rows as o'
            ' full join new_rows as n using (source_name, source_id)'
            ' where to_jsonb(o) is distinct from to_jsonb(n)'
    end;
    -- A statement that changed nothing takes no lock.
    execute 'select jsonb_build_object() from (' || v_rows || ') as changed limit 1' into v_event;
    if v_event is null then
        return null;
    end if;
    select * into v_head from audit.head as h for update;
    for v_event in execute
        'select jsonb_build_object(''before'', r.before, ''after'', r.after) from (' || v_rows || ') as r'
        ' order by coalesce(r.after, r.before) ->> ''source_name'', coalesce(r.after, r.before) ->> ''source_id'''
    loop
        v_head.event_id := v_head.event_id + 1;
        v_event := v_common || v_event;
        insert into audit.events (event_id, payload, previous_hash, hash)
        values (
            v_head.event_id, v_event::text, v_head.hash,
            audit.event_hash(v_head.hash, v_head.event_id, v_event::text)
        )
        returning hash into v_head.hash;
    end loop;
    update audit.head set event_id = v_head.event_id, hash = v_head.hash;
    return null;
end;
$$;

comment on function audit.record() is 'Trigger: appends a statement''s changes to the chain of financial events.';
