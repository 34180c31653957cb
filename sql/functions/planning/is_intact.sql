-- Whether a closing and its frozen rows still are what they were when the month was closed: their digest is that of the
-- closing, and the closing's event in the audit trail has the same. audit.verify tells whether the trail itself holds.
create or replace function planning.is_intact(p_closing_id bigint)
returns boolean
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
select coalesce((
    select
        c.frozen_sha256 = planning.frozen_digest(c)
        and told.event ->> 'table' = 'planning.month_closings'
        and told.event ->> 'action' = 'insert'
        and told.row_after ->> 'closing_id' = c.closing_id::text
        and told.row_after ->> 'frozen_sha256' = c.frozen_sha256
        and e.hash = audit.event_hash(e.previous_hash, e.event_id, e.payload)
    from planning.month_closings as c
    inner join audit.events as e on c.audit_event_id = e.event_id
    cross join lateral (
        select
            e.payload::jsonb as event,
            audit.named(e.payload::jsonb -> 'columns', e.payload::jsonb -> 'after') as row_after
    ) as told
    where c.closing_id = p_closing_id
), false)
$$;

comment on function planning.is_intact(bigint)
is 'Whether the frozen rows of a closing are those that its event in the audit trail tells of.';
