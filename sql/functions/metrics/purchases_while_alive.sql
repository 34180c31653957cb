-- What metrics.expected_purchases says of a customer who is alive, for horizons of any length:
--   mean of (1 - (1 + p u) ^ -A) / p   over p ~ beta(a, B),   with u, A and B named there
-- It is summed over the log-odds of p in even steps, which converges exponentially (trapezoidal rule). The inputs must
-- lie where that function has checked them: u, A, a and B above zero.
create or replace function metrics.purchases_while_alive(
    p_elapsed double precision,
    p_rate double precision,
    p_a double precision,
    p_stay double precision
)
returns double precision
language plpgsql
immutable
parallel safe
security invoker
set search_path = ''
as $$
declare
    -- The density of the log-odds is a bell of this width; both factors have poles at an imaginary distance of pi.
    v_width constant double precision := sqrt(1 / p_a + 1 / p_stay);
    v_step constant double precision := least(0.4, 0.75 * v_width);
    v_mode constant double precision := ln(p_a / p_stay);
    v_most constant double precision := p_a * ln(p_a / (p_a + p_stay)) + p_stay * ln(p_stay / (p_a + p_stay));
    -- Ends: where the density is 1e-13 of its height, or from where on everything else is constant.
    v_low constant double precision := greatest(
        v_mode - 30 / p_a - 8 * v_width, least(v_mode, -ln(1 + p_stay), -ln(1 + p_rate * p_elapsed)) - 23
    );
    v_high constant double precision := least(
        v_mode + 30 / p_stay + 8 * v_width, greatest(v_mode, ln(1 + p_a + p_rate)) + 23
    );
    v_last constant int := ceil((v_high - v_low) / v_step);
    v_odds double precision;
    v_small double precision;
    v_raised double precision;
    v_log double precision;
    v_leave double precision;
    v_weight double precision;
    v_exponent double precision;
    v_beyond double precision;
    v_made_sum double precision := 0;
    v_weight_sum double precision := 0;
begin
    for v_node in 0..v_last loop
        v_odds := v_low + v_step * v_node;
        -- ln(1 + small) to the last digit (Kahan): the division makes good what 1 + small rounds away.
        v_small := exp(-abs(v_odds));
        v_raised := 1 + v_small;
        v_log := case when v_raised = 1 then v_small else ln(v_raised) * v_small / (v_raised - 1) end;
        v_leave := exp(least(v_odds, 0) - v_log);
        v_weight := exp(greatest(
            p_a * (least(v_odds, 0) - v_log) - p_stay * (greatest(v_odds, 0) + v_log) - v_most, -80
        ));
        if v_node in (0, v_last) then
            -- Beyond the ends the density falls geometrically: the rest of the sum is known.
            v_beyond := case when v_node = 0 then p_a else p_stay end * v_step;
            v_weight := v_weight
                / case when v_beyond < 1e-5 then v_beyond * (1 - v_beyond / 2) else 1 - exp(-least(v_beyond, 80)) end;
        end if;
        v_weight_sum := v_weight_sum + v_weight;

        v_small := p_elapsed * v_leave;
        v_raised := 1 + v_small;
        v_exponent := p_rate
            * case when v_raised = 1 then v_small else ln(v_raised) * v_small / (v_raised - 1) end;
        v_made_sum := v_made_sum + v_weight / v_leave * case
            when v_exponent < 1e-5 then v_exponent * (1 - v_exponent / 2) else 1 - exp(-least(v_exponent, 80))
        end;
    end loop;
    return v_made_sum / v_weight_sum;
end
$$;

comment on function metrics.purchases_while_alive(
    double precision, double precision, double precision, double precision
)
is 'Purchases expected of a customer who has not left, by the integral form of BG/NBD; called by expected_purchases.';
