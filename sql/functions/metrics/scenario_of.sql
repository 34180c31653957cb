-- A scenario in plain arithmetic, for figures of your own: a pipeline, its win rate, and what changes.
--   baseline  = pipeline × win rate
--   projected = pipeline × (1 + growth) × min(1, win rate × (1 + win rate increase)) × (1 + deal size increase)
-- It has neither months nor an interval: metrics.scenario has, from the distribution of the forecast.
create or replace function metrics.scenario_of(
    p_pipeline_amount numeric,
    p_win_rate numeric,
    p_win_rate_increase numeric default 0,
    p_deal_size_increase numeric default 0,
    p_pipeline_growth numeric default 0
)
returns table (
    baseline_amount numeric,
    projected_amount numeric,
    delta_amount numeric,
    delta_percent numeric
)
language plpgsql
immutable
parallel safe
security invoker
set search_path = ''
as $$
declare
    v_names text[] := array['p_win_rate_increase', 'p_deal_size_increase', 'p_pipeline_growth'];
    v_changes numeric[] := array[p_win_rate_increase, p_deal_size_increase, p_pipeline_growth];
    v_baseline numeric := round(p_pipeline_amount * p_win_rate, 2);
    v_projected numeric;
begin
    if p_pipeline_amount is null or p_pipeline_amount < 0 or p_pipeline_amount > 1e15 then
        raise exception 'p_pipeline_amount is %, not an amount', coalesce(p_pipeline_amount::text, 'null')
            using errcode = 'invalid_parameter_value', hint = 'Give the open amount of the pipeline, 0 or more.';
    end if;
    if p_win_rate is null or p_win_rate < 0 or p_win_rate > 1 then
        raise exception 'p_win_rate is %, not a rate', coalesce(p_win_rate::text, 'null')
            using errcode = 'invalid_parameter_value', hint = 'Give a share from 0 to 1: 0.3 is 30 %.';
    end if;
    for v_place in 1 .. array_length(v_names, 1) loop
        -- NaN is above every number.
        if v_changes[v_place] is null or v_changes[v_place] < -1 or v_changes[v_place] > 100 then
            raise exception '% is %, not a change from -1 to 100', v_names[v_place],
                coalesce(v_changes[v_place]::text, 'null')
                using errcode = 'invalid_parameter_value',
                    hint = 'Changes are relative: 0.1 is 10 % more, -0.1 is 10 % less, 0 is none.';
        end if;
    end loop;
    v_projected := round(
        p_pipeline_amount * (1 + p_pipeline_growth) * least(1, p_win_rate * (1 + p_win_rate_increase))
        * (1 + p_deal_size_increase), 2
    );
    return query select
        v_baseline, v_projected, v_projected - v_baseline, round(100 * (v_projected / nullif(v_baseline, 0) - 1), 1);
end;
$$;

comment on function metrics.scenario_of(numeric, numeric, numeric, numeric, numeric)
is 'Pipeline x win rate before and after relative changes: plain arithmetic to the cent, without months or interval.';
