-- Numbers inside sentences: one decimal at most, no trailing zeros.
create or replace function metrics.number_words(p_value double precision, p_is_signed boolean default false)
returns text
language sql
immutable
parallel safe
security invoker
set search_path = ''
as $$
    select case when p_is_signed and p_value > 0 then '+' else '' end
        || trim_scale(round(p_value::numeric, 1))::text
$$;

comment on function metrics.number_words(double precision, boolean)
is 'A number as text for sentences: at most one decimal, with its sign on request.';
