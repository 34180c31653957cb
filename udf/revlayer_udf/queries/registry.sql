-- name: register
insert into scoring.models (
    model_version, target, algorithm, artefact, artefact_sha256, manifest, data_fingerprint,
    is_temporal_evidence, beats_baseline, trained_through_date
)
values (
    %(model_version)s, %(target)s, %(algorithm)s, %(artefact)s, %(artefact_sha256)s, %(manifest)s::jsonb,
    %(data_fingerprint)s, %(is_temporal_evidence)s, %(beats_baseline)s, %(trained_through_date)s
)
on conflict (model_version) do nothing
returning model_version

-- name: manifest
select manifest::text from scoring.models where model_version = %s

-- name: mend
update scoring.models
set artefact = %(artefact)s, artefact_sha256 = %(artefact_sha256)s
where
    model_version = %(model_version)s
    and (artefact <> %(artefact)s or artefact_sha256 <> %(artefact_sha256)s)

-- name: record_registration
insert into scoring.model_events (model_version, from_status, to_status, action, reason)
values (%s, null, 'candidate', 'register', %s)

-- name: promote
select scoring.promote(%s::text, %s::text)

-- name: rollback
select scoring.rollback(%s::text, %s::text)

-- name: champion
select manifest::text, artefact, model_version, target, artefact_sha256
from scoring.models
where target = %s and status = 'champion'

-- name: get
select manifest::text, artefact, model_version, target, artefact_sha256
from scoring.models
where model_version = %s

-- name: list
select
    model_version, target, algorithm, coalesce(manifest ->> 'rung', 'unknown') as rung, status,
    is_temporal_evidence, beats_baseline, trained_through_date, created_at
from scoring.models
where %(target)s::text is null or target = %(target)s
order by target, created_at desc, model_version

-- name: history
select
    e.event_id, e.model_version, e.action, e.from_status, e.to_status, e.reason, e.changed_by, e.changed_at
from scoring.model_events as e
inner join scoring.models as m on e.model_version = m.model_version
where m.target = %s
order by e.event_id
