-- name: record
insert into scoring.installed_functions (target, model_version, engine)
values (%(target)s, %(model_version)s, %(engine)s)
on conflict (target) do update
set model_version = excluded.model_version, engine = excluded.engine, installed_at = clock_timestamp()

-- name: forget
delete from scoring.installed_functions where target = %s

-- name: installed
select f.target, f.model_version, f.engine, m.model_version as champion_version, f.installed_at
from scoring.installed_functions as f
left join scoring.models as m on f.target = m.target and m.status = 'champion'
order by f.target
