-- The events in columns, for people; the payload is what was hashed.
create or replace view audit.trail as
select
    events.event_id,
    (told.payload ->> 'at')::timestamptz as recorded_at,
    told.payload ->> 'table' as table_name,
    told.payload ->> 'action' as action,
    told.payload ->> 'by' as changed_by,
    coalesce(told.row_after, told.row_before) ->> 'source_name' as source_name,
    coalesce(told.row_after, told.row_before) ->> 'source_id' as source_id,
    told.row_before,
    told.row_after
from audit.events as events
cross join lateral (
    select
        events.payload::jsonb as payload,
        nullif(events.payload::jsonb -> 'before', 'null') as row_before,
        nullif(events.payload::jsonb -> 'after', 'null') as row_after
) as told;

comment on view audit.trail is 'Financial events in columns: what was inserted, changed or deleted, when and by whom.';
