-- Returns a target to the champion that served before the present one; again, and it goes one further back.
-- The way out must be open: a model from before there were certificates is taken back without one. One that is
-- known to differ between engines is not.
create or replace function scoring.rollback(p_target text, p_reason text)
returns text
language plpgsql
volatile
parallel unsafe
security invoker
set search_path = ''
as $$
declare
    v_served text[] := '{}';
    v_event record;
    v_previous text;
    v_champion text;
    v_status text;
    v_is_intact boolean;
begin
    perform pg_advisory_xact_lock(7281004, hashtext(p_target));
    -- Replay the history: a promotion puts a model on top, a rollback takes the top one off.
    for v_event in
        select e.model_version, e.action
        from scoring.model_events as e
        inner join scoring.models as m on e.model_version = m.model_version
        where m.target = p_target and e.to_status = 'champion'
        order by e.event_id
    loop
        if v_event.action = 'rollback' then
            v_served := v_served[:cardinality(v_served) - 1];
        else
            v_served := v_served || v_event.model_version;
        end if;
    end loop;
    v_champion := v_served[cardinality(v_served)];
    v_previous := v_served[cardinality(v_served) - 1];
    if v_previous is null then
        raise exception 'no model served % before the present one', coalesce(p_target, 'null')
            using hint = 'Promote one by its version: select scoring.promote(''<model_version>'', ''<reason>'')';
    end if;
    select m.status, encode(sha256(m.artefact), 'hex') = m.artefact_sha256 into v_status, v_is_intact
    from scoring.models as m
    where m.model_version = v_previous;
    if not v_is_intact then
        raise exception 'the artefact of % was changed after it was registered', v_previous
            using hint = 'Train the target again: revlayer train';
    end if;
    if exists (
        select from scoring.model_certificates as c
        inner join scoring.models as m
            on c.model_version = m.model_version and c.artefact_sha256 = m.artefact_sha256
        where c.model_version = v_previous and c.status = 'different'
    ) then
        raise exception 'engines differ on %', v_previous
            using hint = 'See how: revlayer models show ' || v_previous || '. Promote another model instead.';
    end if;
    update scoring.models set status = 'retired' where model_version = v_champion;
    update scoring.models set status = 'champion' where model_version = v_previous;
    insert into scoring.model_events (model_version, from_status, to_status, action, reason)
    values
    (v_champion, 'champion', 'retired', 'rollback', p_reason),
    (v_previous, v_status, 'champion', 'rollback', p_reason);
    return v_previous;
end;
$$;

comment on function scoring.rollback(text, text)
is 'Returns a target to the model that served before the present one. Returns its version.';
