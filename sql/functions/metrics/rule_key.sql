-- How names of stages, industries, plans and billing cycles are matched to the rule tables.
create or replace function metrics.rule_key(p_name text)
returns text
language sql
immutable
parallel safe
security invoker
set search_path = ''
as $$
    select trim(lower(translate(p_name, '_-', '  ')))
$$;

comment on function metrics.rule_key(text)
is 'Lower case, spaces for underscores and hyphens: the form in which rule tables hold names.';
