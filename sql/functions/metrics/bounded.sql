-- An input kept inside its range; null and NaN stay unknown. Plain least() and greatest() would
-- turn an unknown into a bound, because they skip nulls. What is nearer to 0 than 1e-9 is 0: products of
-- smaller numbers would stop the query with an underflow.
create or replace function metrics.bounded(
    p_value double precision,
    p_low double precision,
    p_high double precision
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
            when p_value = 'NaN'::float8 then null
            when abs(p_value) < 1e-9 then least(greatest(0, p_low), p_high)
            when p_value is not null then least(greatest(p_value, p_low), p_high)
        end
$$;

comment on function metrics.bounded(double precision, double precision, double precision)
is 'The value moved into [low, high]; null and NaN give null.';
