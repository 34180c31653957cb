-- Walks the chain once, in order, in constant memory, and names the first event that does not fit. The owner's rights
-- let anyone check the chain without reading it. Sorting is off: the primary key gives the order.
create or replace function audit.verify()
returns table (
    is_intact boolean,
    event_count bigint,
    first_broken_event_id bigint,
    reason text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set enable_sort = off
as $$
declare
    v_event record;
    v_head audit.head%rowtype;
    v_hash bytea := decode(repeat('00', 32), 'hex');
begin
    event_count := 0;
    for v_event in select e.event_id, e.payload, e.previous_hash, e.hash from audit.events as e order by e.event_id loop
        reason := case
            when v_event.event_id is distinct from event_count + 1
                then 'event ' || event_count + 1 || ' is missing'
            when v_event.previous_hash is distinct from v_hash
                then 'it does not follow the event before it'
            when v_event.hash is distinct from audit.event_hash(v_hash, v_event.event_id, v_event.payload)
                then 'its payload or hash was changed'
        end;
        if reason is not null then
            is_intact := false;
            first_broken_event_id := least(v_event.event_id, event_count + 1);
            return next;
            return;
        end if;
        event_count := event_count + 1;
        v_hash := v_event.hash;
    end loop;
    select * into v_head from audit.head as h;
    is_intact := v_head.event_id is not distinct from event_count and v_head.hash is not distinct from v_hash;
    if not is_intact then
        first_broken_event_id := event_count + 1;
        reason := 'the chain ends before its head: the last events are missing, or were added by hand';
    end if;
    return next;
end;
$$;

comment on function audit.verify()
is 'Whether the chain of financial events is intact, and the first event that does not fit.';
