-- The changes of a scenario for every segment of the published forecast. Keys of p_scenario are segments, '(all)' those
-- that are not named; a segment takes from '(all)' what it does not say itself. Whatever cannot be meant is an error.
create or replace function metrics.scenario_arguments(p_scenario jsonb)
returns table (
    segment_id text,
    win_rate_increase double precision,
    deal_size_increase double precision,
    pipeline_growth double precision,
    cycle_change double precision
)
language plpgsql
stable
parallel safe
security invoker
set search_path = ''
as $$
#variable_conflict use_column
declare
    v_names text[] := array['win_rate_increase', 'deal_size_increase', 'pipeline_growth', 'cycle_change'];
    v_segments text[] := array(select distinct p.segment_id from marts.revenue_forecast_parts as p order by 1);
    v_given record;
begin
    if cardinality(v_segments) = 0 then
        raise exception 'no forecast is published, so there is nothing to change'
            using errcode = 'object_not_in_prerequisite_state',
                hint = 'Make one with `revlayer run`, or with `revlayer score` and a build of the marts.';
    end if;
    if not exists (select 1 from marts.revenue_forecast_horizon) then
        raise exception 'the published forecast was made before there were scenarios'
            using errcode = 'object_not_in_prerequisite_state',
                hint = 'Make it again with `revlayer run`, or with `revlayer score` and a build of the marts.';
    end if;
    if p_scenario is null or jsonb_typeof(p_scenario) <> 'object' then
        raise exception 'a scenario is a JSON object of segments'
            using errcode = 'invalid_parameter_value', hint = 'For example {"(all)": {"win_rate_increase": 0.1}}.';
    end if;
    for v_given in select g.key, g.value from jsonb_each(p_scenario) as g loop
        if v_given.key <> all (array_prepend('(all)', v_segments)) then
            raise exception 'the forecast has no segment "%"', v_given.key
                using errcode = 'invalid_parameter_value',
                    hint = 'Its segments are (all), ' || array_to_string(v_segments, ', ') || '.';
        end if;
        if jsonb_typeof(v_given.value) <> 'object' then
            raise exception 'what changes in "%" is not a JSON object', v_given.key
                using errcode = 'invalid_parameter_value', hint = 'For example {"win_rate_increase": 0.1}.';
        end if;
    end loop;
    for v_given in
        select c.key, s.key as segment, jsonb_typeof(c.value) as kind, c.value #>> '{}' as words
        from jsonb_each(p_scenario) as s
        cross join lateral jsonb_each(s.value) as c
    loop
        if v_given.key <> all (v_names) then
            raise exception '"%" of "%" is nothing that a scenario changes', v_given.key, v_given.segment
                using errcode = 'invalid_parameter_value', hint = 'It changes ' || array_to_string(v_names, ', ') || '.';
        end if;
        if v_given.kind <> 'number' then
            raise exception '% of "%" is %, not a number', v_given.key, v_given.segment, coalesce(v_given.words, 'null')
                using errcode = 'invalid_parameter_value',
                    hint = 'Changes are relative: 0.1 is 10 % more, -0.1 is 10 % less, 0 is none.';
        end if;
        if v_given.words::numeric not between -1 and 100
            or (v_given.key = 'cycle_change' and v_given.words::numeric < -0.99) then
            raise exception '% of "%" is %, which is not from % to 100', v_given.key, v_given.segment, v_given.words,
                case v_given.key when 'cycle_change' then '-0.99' else '-1' end
                using errcode = 'invalid_parameter_value',
                    hint = 'Changes are relative: 0.1 is 10 % more, -0.1 is 10 % less, 0 is none.';
        end if;
    end loop;
    -- Rounded, since a number may have more zeros behind its point than double precision can hold.
    return query
    select
        s.segment_id,
        coalesce(round((c.changes ->> v_names[1])::numeric, 30)::float8, 0),
        coalesce(round((c.changes ->> v_names[2])::numeric, 30)::float8, 0),
        coalesce(round((c.changes ->> v_names[3])::numeric, 30)::float8, 0),
        coalesce(round((c.changes ->> v_names[4])::numeric, 30)::float8, 0)
    from unnest(v_segments) as s (segment_id)
    cross join lateral (
        select coalesce(p_scenario -> '(all)', '{}') || coalesce(p_scenario -> s.segment_id, '{}') as changes
    ) as c;
end;
$$;

comment on function metrics.scenario_arguments(jsonb)
is 'What a scenario changes in each segment of the published forecast; errors say what to give instead.';
