-- Lets a model serve its target; the champion before it retires. Promoting the champion changes nothing.
-- Refused without evidence on later data, for a trained model that did not beat its baseline there, and without a
-- certificate that the engines score its present artefact alike.
create or replace function scoring.promote(p_model_version text, p_reason text)
returns text
language plpgsql
volatile
parallel unsafe
security invoker
set search_path = ''
as $$
declare
    v_model scoring.models%rowtype;
    v_champion text;
    v_pair scoring.model_certificates%rowtype;
begin
    select * into v_model from scoring.models as m where m.model_version = p_model_version;
    if not found then
        raise exception 'there is no model %', coalesce(p_model_version, 'null')
            using hint = 'List the models: select model_version, status from scoring.models';
    end if;
    -- Promotions and rollbacks of one target queue here; what was read before is read again.
    perform pg_advisory_xact_lock(7281004, hashtext(v_model.target));
    select * into v_model from scoring.models as m where m.model_version = p_model_version;
    if v_model.status = 'champion' then
        return v_model.model_version;
    end if;
    if not v_model.is_temporal_evidence then
        raise exception '% has no evidence on later data, so it may not serve', p_model_version
            using hint = 'Train it on data with times: its evaluation must be later than what it learnt from.';
    end if;
    if coalesce(v_model.manifest ->> 'rung', 'model') = 'model' and not v_model.beats_baseline then
        raise exception '% did not beat its baseline on later data, so it may not serve', p_model_version
            using hint = 'Promote the prior or shrinkage model of the target instead.';
    end if;
    if encode(sha256(v_model.artefact), 'hex') <> v_model.artefact_sha256 then
        raise exception 'the artefact of % was changed after it was registered', p_model_version
            using hint = 'Train it again: revlayer train';
    end if;
    select * into v_pair
    from scoring.model_certificates as c
    where c.model_version = p_model_version and c.artefact_sha256 = v_model.artefact_sha256
    order by (c.status = 'different') desc, (c.status = 'equal') desc, c.largest_difference desc
    limit 1;
    if not found then
        raise exception '% has no certificate that every engine scores it alike', p_model_version
            using hint = 'Run: revlayer models certify ' || p_model_version;
    end if;
    if v_pair.status = 'different' then
        raise exception '%: % and % differ in %', p_model_version, v_pair.first_engine, v_pair.second_engine,
            v_pair.output
            using hint = v_pair.note || '. See all pairs: revlayer models show ' || p_model_version;
    end if;
    if v_pair.status <> 'equal' then
        raise exception 'nothing could be compared for %, so it may not serve', p_model_version
            using hint = 'See why: revlayer models show ' || p_model_version;
    end if;
    select m.model_version into v_champion
    from scoring.models as m
    where m.target = v_model.target and m.status = 'champion';
    if found then
        update scoring.models set status = 'retired' where model_version = v_champion;
        insert into scoring.model_events (model_version, from_status, to_status, action, reason)
        values (v_champion, 'champion', 'retired', 'promote', p_reason);
    end if;
    update scoring.models set status = 'champion' where model_version = p_model_version;
    insert into scoring.model_events (model_version, from_status, to_status, action, reason)
    values (p_model_version, v_model.status, 'champion', 'promote', p_reason);
    return p_model_version;
end;
$$;

comment on function scoring.promote(text, text)
is 'Lets a model serve its target, if later data speak for it and every engine scores it alike.';
