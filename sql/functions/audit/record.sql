-- Appends one event per row that a statement inserted, changed or deleted. The first says what all have in common and
-- names the columns; the others give its number and their values alone, which halves what a load hashes and writes.
-- The head's row lock is held until the transaction ends, so that concurrent writers keep one chain; an aborted
-- transaction leaves no gap.
create or replace function audit.record()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set extra_float_digits = 1
as $$
declare
    c_batch constant integer := 1000;
    v_columns text[];
    v_values text;
    v_changes text;
    v_change text;
    v_common jsonb;
    v_start text;
    v_event_id bigint;
    v_hash bytea;
    v_payloads text[] := '{}';
    v_hashes bytea[];
begin
    select
        array_agg(a.attname order by a.attnum),
        'json_build_array(' || string_agg(format('%%1$s.%I', a.attname), ', ' order by a.attnum) || ')::text'
    into v_columns, v_values
    from pg_catalog.pg_attribute as a
    where a.attrelid = tg_relid and a.attnum > 0 and not a.attisdropped;
    v_changes := case tg_op
        when 'INSERT' then 'select ''"after": '' || ' || format(v_values, 'n') || ' || ''}'' from new_rows as n'
        when 'DELETE' then 'select ''"before": '' || ' || format(v_values, 'o') || ' || ''}'' from old_rows as o'
        else 'select ''"before": '' || case when o.source_id is null then ''null'' else ' || format(v_values, 'o')
            || ' end || '', "after": '' || case when n.source_id is null then ''null'' else ' || format(v_values, 'n')
            || ' end || ''}'' from old_rows as o full join new_rows as n using (source_name, source_id)'
            || ' where o is distinct from n'
    end;
    for v_change in execute v_changes loop
        if v_start is null then
            select h.event_id, h.hash into v_event_id, v_hash from audit.head as h for update;
            v_start := '{"with": ' || v_event_id + 1 || ', ';
            v_hashes := array[v_hash];
            v_common := jsonb_build_object(
                'table', tg_table_schema || '.' || tg_table_name, 'action', lower(tg_op), 'columns', v_columns,
                'by', session_user, 'at', clock_timestamp(), 'transaction', pg_current_xact_id()::text
            );
            v_change := left(v_common::text, -1) || ', ' || v_change;
        else
            v_change := v_start || v_change;
        end if;
        v_event_id := v_event_id + 1;
        v_hash := audit.event_hash(v_hash, v_event_id, v_change);
        v_payloads := v_payloads || v_change;
        v_hashes := v_hashes || v_hash;
        if cardinality(v_payloads) = c_batch then
            perform audit.append(v_event_id, v_payloads, v_hashes);
            v_payloads := '{}';
            v_hashes := array[v_hash];
        end if;
    end loop;
    -- A statement that changed nothing takes no lock and leaves no event.
    if v_start is not null then
        perform audit.append(v_event_id, v_payloads, v_hashes);
        update audit.head set event_id = v_event_id, hash = v_hash;
    end if;
    return null;
end;
$$;

comment on function audit.record() is 'Trigger: appends a statement''s changes to the chain of financial events.';
