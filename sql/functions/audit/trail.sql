-- The events in columns, for people; the payload is what was hashed. The first event of a statement says what its others
-- leave out; events of before 0013 name each value themselves.
create or replace view audit.trail as
select
    events.event_id,
    (told.common ->> 'at')::timestamptz as recorded_at,
    told.common ->> 'table' as table_name,
    told.common ->> 'action' as action,
    told.common ->> 'by' as changed_by,
    coalesce(told.row_after, told.row_before) ->> 'source_name' as source_name,
    coalesce(told.row_after, told.row_before) ->> 'source_id' as source_id,
    told.row_before,
    told.row_after
from audit.events as events
left join audit.events as firsts on (events.payload::jsonb ->> 'with')::bigint = firsts.event_id
cross join lateral (
    select
        coalesce(firsts.payload, events.payload)::jsonb as common,
        audit.named(
            coalesce(firsts.payload, events.payload)::jsonb -> 'columns', events.payload::jsonb -> 'before'
        ) as row_before,
        audit.named(
            coalesce(firsts.payload, events.payload)::jsonb -> 'columns', events.payload::jsonb -> 'after'
        ) as row_after
) as told;

comment on view audit.trail is 'Financial events in columns: what was inserted, changed or deleted, when and by whom.';
