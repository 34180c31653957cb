-- Mean value of a customer's future purchases, by Gamma-Gamma (Fader and Hardie 2013): the customer's own mean and that
-- of all customers, p * gamma / (q - 1), weighted by p * purchases and q - 1. It is in the currency and unit of the
-- values that the parameters were fitted on. Null where an input is null or impossible: purchases below zero, a mean
-- below zero, parameters outside of 1e-6 to 1e9; and without a purchase where q is not above 1, since then
-- the mean of all customers is infinite. The mean of no purchases is not read.
create or replace function metrics.expected_purchase_value(
    p_purchase_count double precision,
    p_mean_value double precision,
    p_p double precision,
    p_q double precision,
    p_gamma double precision
)
returns double precision
language sql
immutable
parallel safe
security invoker
set search_path = ''
as $$
    select
        p_p * (p_gamma + case when p_purchase_count = 0 then 0 else p_purchase_count * p_mean_value end)
        / (p_p * p_purchase_count + p_q - 1)
    where
        p_purchase_count between 0 and 1e9
        and (p_purchase_count = 0 or p_mean_value between 0 and 1e15)
        and p_p between 1e-6 and 1e9
        and p_q between 1e-6 and 1e9
        and p_gamma between 1e-6 and 1e9
        and p_p * p_purchase_count + p_q > 1
$$;

comment on function metrics.expected_purchase_value(
    double precision, double precision, double precision, double precision, double precision
)
is 'Mean value of a customer''s future purchases, by Gamma-Gamma, from own purchases, their mean and the parameters.';
