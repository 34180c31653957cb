-- name: chosen_rows
select {columns} from {relation} where as_of_date = {as_of_date} and {entity_key} = any({entities}) order by {entity_key}
