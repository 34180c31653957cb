-- Quantile of the standard normal distribution, by Acklam's rational approximation: relative error below 1.2e-9. Null
-- outside of (0, 1). No version of PostgreSQL has a function for it.
create or replace function metrics.normal_quantile(p_probability double precision)
returns double precision
language sql
immutable
parallel safe
security invoker
set search_path = ''
as $$
    select
        case
            when p_probability between 0.02425 and 0.97575 then
                (((((-39.69683028665376 * s + 220.9460984245205) * s - 275.9285104469687) * s
                + 138.3577518672690) * s - 30.66479806614716) * s + 2.506628277459239) * q
                / (((((-54.47609879822406 * s + 161.5858368580409) * s - 155.6989798598866) * s
                + 66.80131188771972) * s - 13.28068155288572) * s + 1)
            else
                -sign(q)
                * (((((-0.007784894002430293 * t - 0.3223964580411365) * t - 2.400758277161838) * t
                - 2.549732539343734) * t + 4.374664141464968) * t + 2.938163982698783)
                / ((((0.007784695709041462 * t + 0.3224671290700398) * t + 2.445134137142996) * t
                + 3.754408661907416) * t + 1)
        end
    from (
        select
            p_probability - 0.5 as q,
            (p_probability - 0.5) * (p_probability - 0.5) as s,
            sqrt(-2 * ln(greatest(least(p_probability, 1 - p_probability), 1e-300))) as t
    ) as terms
    where p_probability > 0 and p_probability < 1
$$;

comment on function metrics.normal_quantile(double precision)
is 'Quantile of the standard normal distribution; null outside of (0, 1).';
