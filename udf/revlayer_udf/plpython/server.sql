-- name: language
select
    exists (select from pg_catalog.pg_available_extensions where name = 'plpython3u') as is_available,
    exists (select from pg_catalog.pg_extension where extname = 'plpython3u') as is_created,
    coalesce(
        (
            select l.lanpltrusted and pg_catalog.has_language_privilege(l.oid, 'usage')
            from pg_catalog.pg_language as l
            where l.lanname = 'plpython3u'
        ),
        false
    ) as is_allowed,
    (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as is_superuser,
    (select rolsuper from pg_catalog.pg_roles where rolname = session_user) as may_become_superuser,
    current_user::text as role_name,
    pg_catalog.current_setting('role') as set_role,
    pg_catalog.current_setting('server_version_num')::integer / 10000 as version

-- name: create_probe
create function pg_temp.revlayer_probe() returns text language plpython3u
as 'import revlayer_udf.plpython; return revlayer_udf.plpython.__file__'

-- name: probe
select pg_temp.revlayer_probe()

-- name: drop_probe
drop function pg_temp.revlayer_probe()
