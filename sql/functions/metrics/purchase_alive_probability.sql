-- Whether a customer without a contract still purchases, by BG/NBD (Fader, Hardie and Lee 2005):
--   P(alive) = 1 / (1 + a / (b + x - 1) * ((alpha + age) / (alpha + recency)) ^ (r + x)),   x repeats; 1 where x = 0
-- Times are in the unit that the parameters were fitted in, weeks for the models trained here. Null where an input is
-- null or impossible: a part of a purchase, a last purchase after the age, parameters outside of 1e-6 to 1e6 (alpha and
-- times up to 1e9).
create or replace function metrics.purchase_alive_probability(
    p_repeat_count double precision,
    p_recency double precision,
    p_age double precision,
    p_r double precision,
    p_alpha double precision,
    p_a double precision,
    p_b double precision
)
returns double precision
language sql
immutable
parallel safe
security invoker
set search_path = ''
as $$
    select
        case
            when p_repeat_count = 0 then 1
            -- Beyond 700 exp() has no number.
            else
                1 / (
                    1 + exp(least(
                        ln(p_a) - ln(p_b + p_repeat_count - 1)
                        + (p_r + p_repeat_count) * (ln(p_alpha + p_age) - ln(p_alpha + p_recency)), 700
                    ))
                )
        end
    where
        p_repeat_count between 0 and 1e6
        and floor(p_repeat_count) = p_repeat_count
        and p_recency between 0 and p_age
        and p_age <= 1e9
        and p_r between 1e-6 and 1e6
        and p_alpha between 1e-6 and 1e9
        and p_a between 1e-6 and 1e6
        and p_b between 1e-6 and 1e6
$$;

comment on function metrics.purchase_alive_probability(
    double precision, double precision, double precision,
    double precision, double precision, double precision, double precision
)
is 'Probability that a customer has not left, by BG/NBD, from repeat purchases, recency, age and the parameters.';
