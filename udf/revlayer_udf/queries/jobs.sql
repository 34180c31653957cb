-- name: relation
select * from {relation}

-- name: count
select count(*) from {relation} where as_of_date = %s

-- name: features
select {columns} from {relation} where as_of_date = {as_of_date}
