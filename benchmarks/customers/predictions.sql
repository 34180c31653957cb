-- name: known_customers
-- Spread over all of them, the same in every run.
select customer_id from features.ftr_customers where as_of_date = %s order by md5(customer_id) limit %s

-- name: row_count
select count(*) from features.ftr_customers where as_of_date = %s

-- name: argument_names
select argument.name
from pg_catalog.pg_proc as f
cross join lateral unnest(f.proargnames) with ordinality as argument (name, place)
where f.oid = {function}::regproc and argument.place <= f.pronargs
order by argument.place

-- name: argument
{name} => c.{name}

-- name: of_one
select p.*
from features.ftr_customers as c
cross join lateral {function}({arguments}) as p
where c.customer_id = %s and c.as_of_date = %s

-- name: of_all
-- Counts every column, so that none is left out of the work.
select count(p.*)
from features.ftr_customers as c
cross join lateral {function}({arguments}) as p
where c.as_of_date = %s
