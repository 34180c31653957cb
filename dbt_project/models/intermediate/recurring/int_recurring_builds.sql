-- Grain: one row per table kept by customer: the last build it has taken in.
-- Nothing is selected: each table writes its own row when it is built (macros/incremental.sql).
{{ config(
    materialized='incremental' if target.type == 'postgres' else 'table',
    incremental_strategy='append' if target.type == 'postgres' else none
) }}

select
    cast(null as {{ dbt.type_string() }}) as model_name,
    cast(null as bigint) as generation,
    cast(null as {{ dbt.type_string() }}) as circumstances
where false
