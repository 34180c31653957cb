-- The operator is written out: these functions run with the rights of their owner, and a caller's search_path must not
-- choose what runs.
-- name: read
select manifest::pg_catalog.text as manifest, artefact, artefact_sha256
from scoring.models
where model_version operator(pg_catalog.=) $1
