-- name: missing
-- In the order given.
select named.name
from unnest(%s::text[]) with ordinality as named (name, place)
where to_regclass(named.name) is null
order by named.place
