-- The figures of some months as a mart has them, in the columns of the table that they are to be frozen in. Runs with
-- the rights of a reader: a mart may be a view over functions, and code in it must not gain more than a reader has.
-- For planning.close_month only.
create or replace function planning.marts_figures(
    p_like anyelement, p_mart text, p_closing_id bigint, p_first_on date, p_last_on date
)
returns setof anyelement
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_columns text;
begin
    if current_user = (select pg_get_userbyid(n.nspowner) from pg_namespace as n where n.nspname = 'planning') then
        raise exception 'deploy is not finished';
    end if;
    select string_agg(format('m.%I::%s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum)
    into v_columns
    from pg_attribute as a
    inner join pg_class as c on a.attrelid = c.oid
    where c.reltype = pg_typeof(p_like) and a.attnum > 0 and not a.attisdropped and a.attname <> 'closing_id';
    return query execute format(
        'select $1, %s from marts.%I as m where m.month_start_on between $2 and $3', v_columns, p_mart
    ) using p_closing_id, p_first_on, p_last_on;
    -- What outlives this function could choose the functions that its caller runs with more rights.
    if pg_catalog.current_setting('search_path') operator(pg_catalog.<>) 'pg_catalog, pg_temp' then
        raise exception 'marts.% changes settings when it is read', p_mart using errcode = 'insufficient_privilege';
    end if;
end;
$$;

comment on function planning.marts_figures(anyelement, text, bigint, date, date)
is 'Figures of a mart to be frozen, read with the rights of a reader; for planning.close_month.';
