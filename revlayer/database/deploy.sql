-- name: lock
select pg_advisory_lock(%s)

-- name: role_exists
select 1 from pg_roles where rolname = %s

-- name: has_history
select to_regclass('audit.schema_migrations') is not null

-- name: create_history
create table if not exists audit.schema_migrations (
    name text primary key,
    sha256 text not null,
    applied_at timestamptz not null default clock_timestamp()
)

-- name: applied
select name, sha256 from audit.schema_migrations

-- name: applied_names
select name from audit.schema_migrations

-- name: record
insert into audit.schema_migrations (name, sha256) values (%s, %s)
