-- Purchases that a customer without a contract is expected to make in the coming p_horizon, by BG/NBD (Fader, Hardie
-- and Lee 2005, equation 10). With x repeats, A = r + x, B = b + x and z = p_horizon / (alpha + age + p_horizon):
--   E = P(alive) * (a + B - 1) / (a - 1) * (1 - (1 - z)^A * 2F1(A, B; a + B - 1; z))
-- The weights (1 - z)^A (A)_n z^n / n! of this series add up to 1, so the difference can be taken term by term, and the
-- division as well, which leaves a sum of positive terms that also holds at a = 1:
--   E = P(alive) * sum over n of weight(n) * (1 + B / (a + B) + ... + (B)_{n-1} / (a + B)_{n-1})
-- Far horizons, for which it is slow, are integrated. Either way what is left out is below 1e-9 of the whole.
-- Inputs and nulls as in metrics.purchase_alive_probability; a horizon under 1e-9 is 0.
create or replace function metrics.expected_purchases(
    p_horizon double precision,
    p_repeat_count double precision,
    p_recency double precision,
    p_age double precision,
    p_r double precision,
    p_alpha double precision,
    p_a double precision,
    p_b double precision
)
returns double precision
language plpgsql
immutable
parallel safe
security invoker
set search_path = ''
as $$
declare
    v_alive constant double precision := metrics.purchase_alive_probability(
        p_repeat_count, p_recency, p_age, p_r, p_alpha, p_a, p_b
    );
    v_rate constant double precision := p_r + p_repeat_count;
    v_stay constant double precision := p_b + p_repeat_count;
    v_elapsed double precision;
    v_share double precision;
    v_term bigint := 0;
    v_weight double precision := 1;
    v_next double precision := 1;
    v_made double precision := 0;
    v_made_sum double precision := 0;
    v_weight_sum double precision := 0;
begin
    if v_alive is null or p_horizon is null or p_horizon not between 0 and 1e9 then
        return null;
    elsif p_horizon < 1e-9 then
        return 0;
    end if;
    v_elapsed := p_horizon / (p_alpha + p_age);
    if v_elapsed > 4 or v_rate * v_elapsed > 300 then
        return v_alive * metrics.purchases_while_alive(v_elapsed, v_rate, p_a, v_stay);
    end if;

    v_share := v_elapsed / (1 + v_elapsed);
    -- The weights start at 1 in place of (1 - z)^A, which may be too small a number: their sum makes it good.
    loop
        v_weight_sum := v_weight_sum + v_weight;
        v_made_sum := v_made_sum + v_weight * v_made;
        exit when v_term > v_rate * v_elapsed and v_weight * (v_made + 1) <= 1e-16 * v_made_sum;
        v_made := v_made + v_next;
        -- Each is less than the one before; beside the first, which is 1, what is left out is nothing.
        v_next := case when v_next > 1e-30 then v_next * (v_stay + v_term) / (p_a + v_stay + v_term) else 0 end;
        v_weight := v_weight * v_share * (v_rate + v_term) / (v_term + 1);
        v_term := v_term + 1;
    end loop;
    return v_alive * v_made_sum / v_weight_sum;
end
$$;

comment on function metrics.expected_purchases(
    double precision, double precision, double precision, double precision,
    double precision, double precision, double precision, double precision
)
is 'Purchases expected in the coming horizon, by BG/NBD, from repeat purchases, recency, age and the parameters.';
