-- A quantile of revenue still to come in a scenario, from the published distribution and the two laws (mean, variance,
-- expected wins). A law is a chance of no win, and a lognormal one of what wins bring. The published distribution tells
-- what that law does not: a quantile keeps its place among positive outcomes, and its distance from the centre in
-- standard deviations of the log. Where the laws are the same this is the published quantile exactly.
create or replace function metrics.scenario_quantile(
    p_probability double precision,
    p_probabilities double precision[],
    p_quantiles numeric[],
    p_closed_amount numeric,
    p_zero_probability double precision,
    p_base double precision[],
    p_law double precision[]
)
returns double precision
language plpgsql
immutable
parallel safe
security invoker
set search_path = ''
as $$
declare
    v_is_same boolean := p_law[3] = p_base[3];
    -- The chance of no win is exp(-hazard), which grows in proportion to expected wins.
    v_hazard double precision := case
        when p_zero_probability is not null then -ln(p_zero_probability)
        else greatest(p_base[3], -ln(0.005::float8))
    end;
    v_hazards double precision[];
    v_zeros double precision[];
    v_centers double precision[];
    v_widths double precision[];
    v_law double precision[];
    v_rank double precision;
    v_place double precision;
    v_last int := array_length(p_probabilities, 1);
    v_index int;
    v_amount double precision;
begin
    if p_law[1] <= 0 and p_base[1] > 0 then
        return 0;
    end if;
    v_hazards := array[v_hazard, case when p_base[3] > 0 then v_hazard * (p_law[3] / p_base[3]) else p_law[3] end];
    for v_index in 1 .. 2 loop
        v_law := case v_index when 1 then p_base else p_law end;
        v_zeros[v_index] := least(exp(-least(v_hazards[v_index], 700)), 1 - 1e-12);
        v_widths[v_index] := sqrt(ln(greatest(
            (1 + greatest(v_law[2], 0) / nullif(v_law[1], 0) ^ 2) * (1 - v_zeros[v_index]), 1 + 1e-12
        )));
        v_centers[v_index] := ln(nullif(v_law[1], 0) / (1 - v_zeros[v_index])) - v_widths[v_index] ^ 2 / 2;
    end loop;
    -- The place among positive outcomes, and the probability that has it in the published distribution.
    v_rank := (p_probability - v_zeros[2]) / (1 - v_zeros[2]);
    if v_rank <= 0 and not v_is_same then
        return 0;
    end if;
    v_place := case when v_is_same then p_probability else v_zeros[1] + (1 - v_zeros[1]) * v_rank end;
    v_index := least(greatest(width_bucket(v_place, p_probabilities), 1), v_last);
    v_amount := greatest(p_quantiles[v_index] - p_closed_amount, 0);
    if v_index < v_last and v_place > p_probabilities[v_index] then
        v_amount := v_amount + (p_quantiles[v_index + 1] - p_quantiles[v_index])
            * (v_place - p_probabilities[v_index]) / (p_probabilities[v_index + 1] - p_probabilities[v_index]);
    end if;
    if v_amount <= 0 then
        return case
            when p_base[1] > 0 or p_law[1] <= 0 then 0
            else exp(v_centers[2] + v_widths[2] * metrics.normal_quantile(v_rank))
        end;
    end if;
    -- Nothing is to come in either: at most a cent of rounding.
    if p_base[1] <= 0 then
        return v_amount;
    end if;
    return v_amount * exp(least(greatest(
        v_centers[2] - v_centers[1] + (ln(v_amount) - v_centers[1]) * (v_widths[2] / v_widths[1] - 1), -50
    ), 50));
end;
$$;

comment on function metrics.scenario_quantile(
    double precision, double precision[], numeric[], numeric, double precision, double precision[], double precision[]
)
is 'Quantile of revenue to come in a scenario: the published one, moved and scaled as the law of the scenario is.';
