-- One writer per schema; the names are the same in every environment, because an environment is a database.
-- The schema audit is there already: it holds the list of migrations.
create schema raw;
create schema staging;
create schema intermediate;
create schema features;
create schema marts;
create schema scoring;
create schema planning;
create schema metrics;
create schema truth;

comment on schema raw is 'Source tables as they arrive. Written by loaders and the importer only.';
comment on schema staging is 'Renamed and cast sources. Written by dbt only.';
comment on schema intermediate is 'Joins, histories and spans. Written by dbt only.';
comment on schema features is 'One row per entity and as_of_date: the only input of training and scoring. Written by dbt only.';
comment on schema marts is 'Tables for people and BI tools. Written by dbt only.';
comment on schema scoring is 'Model registry and predictions. Written by the scorer only.';
comment on schema planning is 'What people enter: targets, submissions, overrides. Insert only.';
comment on schema metrics is 'SQL functions: the API. They read marts only.';
comment on schema audit is 'Append-only financial events.';
comment on schema truth is 'What the simulator knows and nobody else may read.';
