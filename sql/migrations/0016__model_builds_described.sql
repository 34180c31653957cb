-- What dbt's own record of its builds holds, column by column, for those who read the catalogue.
comment on column intermediate.model_builds.model_name is 'Name of the dbt model.';
comment on column intermediate.model_builds.invocation_id is 'Run of dbt that built it last.';
comment on column intermediate.model_builds.as_of_date is 'Day that it was built as of.';
