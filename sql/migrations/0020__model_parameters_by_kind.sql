-- Thresholds of tiers by kind of customer: numbers one level further down carry its name before theirs.
create or replace view scoring.model_parameters as
select
    found.model_version,
    found.target,
    found.parameter_group,
    numbers.name,
    (numbers.value #>> '{}')::double precision as value
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
cross join lateral (
    select
        parameters.key as name,
        parameters.value
    where jsonb_typeof(parameters.value) <> 'object'
    union all
    select
        parameters.key || '_' || kinds.key as name,
        kinds.value
    from jsonb_each(case when jsonb_typeof(parameters.value) = 'object' then parameters.value end) as kinds (key, value)
) as numbers
where jsonb_typeof(numbers.value) = 'number';

comment on column scoring.model_parameters.name is
'Name of the number; after the kind of customer it is for, where there is one (contractual_medium_from).';
