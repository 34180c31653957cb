-- Grain: one row per pipeline stage.
-- A table, because its statistics make the joins of large histories to it cheap.
select
    stage_id,
    stage_name,
    stage_kind,
    stage_order,
    stage_crm_probability,
    observed_on
from {{ ref('stg_crm__stages') }}
