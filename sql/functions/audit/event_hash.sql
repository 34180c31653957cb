-- SHA-256 over the hash before (32 bytes), the event's number (8 bytes, big-endian) and the payload (UTF-8).
create or replace function audit.event_hash(p_previous_hash bytea, p_event_id bigint, p_payload text)
returns bytea
language sql
immutable
parallel safe
as $$
select sha256(p_previous_hash || int8send(p_event_id) || convert_to(p_payload, 'UTF8'))
$$;

comment on function audit.event_hash(bytea, bigint, text)
is 'Hash of an event: SHA-256 over the hash before, the number and the payload.';
