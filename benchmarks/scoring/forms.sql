-- name: create_form_rows
create temporary table form_rows (row_number integer primary key, {columns}) on commit drop

-- name: copy_form_rows
copy form_rows from stdin

-- name: analyze_form_rows
analyze form_rows

-- name: form_slots
(select {columns} from form_rows as r where row_number < {rows} offset 0) as q

-- name: form_case
select {total} from {source}

-- name: form_table
select t.total from {source} cross join lateral ({forest}) as t
