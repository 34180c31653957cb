-- Grain: one row per model that months are closed on, or that such a model is made from.
-- Which build each is of, as of now. A month is closed only where all are of one build (planning.closable_as_of).
{{ config(materialized='view') }}

with inputs as (
    {%- for name, half in models_of_closings() or [('accounting_months', 'marts')] %}
    select '{{ name }}' as model_name, '{{ half }}' as half_name
    {{- ' union all' if not loop.last }}
    {%- endfor %}
),

builds as (
    {%- if target.type == 'postgres' %}
    select model_name, invocation_id, as_of_date from intermediate.model_builds
    {%- else %}
    select
        cast(null as {{ dbt.type_string() }}) as model_name,
        cast(null as {{ dbt.type_string() }}) as invocation_id,
        cast(null as date) as as_of_date
    where false
    {%- endif %}
),

counted as (
    select
        inputs.model_name,
        inputs.half_name,
        builds.invocation_id,
        builds.as_of_date,
        count(*) over (partition by inputs.half_name, builds.invocation_id) as model_count,
        max(case when inputs.model_name = 'accounting_months' then builds.as_of_date end) over () as marts_as_of_date
    from inputs
    left join builds on inputs.model_name = builds.model_name
)

select
    model_name,
    half_name,
    invocation_id,
    as_of_date,
    -- The build that most models of the half are of, on the day of the months that can be closed.
    coalesce(
        invocation_id = first_value(invocation_id) over (
            partition by half_name order by model_count desc nulls last, invocation_id nulls last
        )
        and as_of_date = marts_as_of_date,
        false
    ) as is_of_last_build
from counted
