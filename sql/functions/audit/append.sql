-- Writes payloads that are hashed already: the last of them has the number given, the first hash is that before them.
create or replace function audit.append(p_last_event_id bigint, p_payloads text[], p_hashes bytea[])
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
insert into audit.events (event_id, payload, previous_hash, hash)
select
    p_last_event_id - cardinality(p_payloads) + told.place,
    told.payload,
    told.previous_hash,
    told.hash
from unnest(p_payloads, p_hashes[:cardinality(p_payloads)], p_hashes[2:])
with ordinality as told (payload, previous_hash, hash, place)
$$;

comment on function audit.append(bigint, text[], bytea[]) is 'Writes hashed events; for the trigger only.';
