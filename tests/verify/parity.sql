-- name: create_rows
create temporary table parity_rows (place bigint, {columns})

-- name: truncate_rows
truncate table parity_rows

-- name: score_rows
select predicted.{output}
from parity_rows as held
cross join lateral {function}({arguments}) as predicted
order by held.place

-- name: score_sets
select predicted.{output}
from (
    select held.place / {size} as part, {arrays}
    from parity_rows as held
    group by held.place / {size}
) as sets
cross join lateral {function}({arguments}) as predicted
order by sets.part, predicted.row_number
