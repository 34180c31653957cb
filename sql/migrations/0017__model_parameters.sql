-- Numbers of models' manifests that marts need, as rows, so that no model of dbt has to read JSON.
create view scoring.model_parameters as
select
    found.model_version,
    found.target,
    found.parameter_group,
    parameters.key as name,
    (parameters.value #>> '{}')::double precision as value
from (
    select
        models.model_version,
        models.target,
        groups.name as parameter_group,
        case
            when jsonb_typeof(models.manifest -> 'extra' -> groups.name) = 'object'
                then models.manifest -> 'extra' -> groups.name
            else '{}'::jsonb
        end as held
    from scoring.models as models
    cross join (values ('tiers'), ('purchasing')) as groups (name)
    union all
    select
        model_version,
        target,
        'labels' as parameter_group,
        jsonb_build_object('horizon_days', manifest -> 'label_horizon_days') as held
    from scoring.models
) as found
cross join lateral jsonb_each(found.held) as parameters (key, value)
where jsonb_typeof(parameters.value) = 'number';

comment on view scoring.model_parameters is 'Thresholds of tiers, parameters of purchasing and the horizon of labels, by model version.';
comment on column scoring.model_parameters.model_version is 'Version of the model.';
comment on column scoring.model_parameters.target is 'What it predicts.';
comment on column scoring.model_parameters.parameter_group is 'tiers, purchasing or labels.';
comment on column scoring.model_parameters.name is 'Name of the number.';
comment on column scoring.model_parameters.value is 'The number.';
