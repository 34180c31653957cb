-- name: queue
-- One certificate of a model is made at a time.
select pg_advisory_xact_lock(7281006, hashtext(%s))

-- name: create_golden
create temporary table {golden} ({columns}) on commit drop

-- name: score_golden
select predicted.*
from {golden} as golden
cross join lateral {function}({arguments}) as predicted
order by golden.golden_row

-- name: sample
select {columns}
from {relation}
where as_of_date = (select max(as_of_date) from {relation})
order by md5({entity_key}::text), {entity_key}
limit 200

-- name: keep_golden_rows
insert into scoring.model_golden_rows (model_version, rows, row_count)
values (%(model_version)s, %(rows)s, %(row_count)s)
on conflict (model_version) do nothing

-- name: golden_rows
select rows from scoring.model_golden_rows where model_version = %s

-- name: delete_certificate
delete from scoring.model_certificates where model_version = %s

-- name: certificate
select
    output, first_engine, second_engine, status, row_count, largest_difference, tolerance, worst_row, note
from scoring.model_certificates
where model_version = %s and artefact_sha256 = %s
order by
    output, array_position(array['trained', 'onnxruntime', 'sql', 'plpython'], first_engine),
    array_position(array['trained', 'onnxruntime', 'sql', 'plpython'], second_engine)
