-- What wins are multiplied by where win rates change: a win probability never rises above 1.
create or replace function metrics.scenario_effect(p_increase double precision, p_win_probability double precision)
returns double precision
language sql
immutable
parallel safe
security invoker
set search_path = ''
as $$
    select least(1 + p_increase, 1 / least(greatest(p_win_probability, 1e-9), 1))
$$;

comment on function metrics.scenario_effect(double precision, double precision)
is 'Factor by which wins of deals of a win probability change with the win rate.';
