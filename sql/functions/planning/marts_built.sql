-- What the marts that a closing freezes are built from: one row, all null where nothing was built with figures. Runs
-- with the rights of a reader, as planning.marts_figures does. For planning.closable_as_of and planning.close_month.
create or replace function planning.marts_built()
returns table (as_of_date date, begins_on date, currency_code text, mixed_models text, identity text)
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if current_user = (select pg_get_userbyid(n.nspowner) from pg_namespace as n where n.nspname = 'planning') then
        raise exception 'deploy is not finished';
    end if;
    return query
    select
        months.as_of_date, months.begins_on, months.currency_code, inputs.mixed_models, inputs.identity
    from (
        select
            max(a.as_of_date)::date as as_of_date,
            min(a.month_start_on)::date as begins_on,
            max(a.known_currency_code)::text as currency_code
        from marts.accounting_months as a
    ) as months
    cross join (
        select
            string_agg(i.model_name, ', ' order by i.model_name)
            filter (where not coalesce(i.is_of_last_build, false))::text as mixed_models,
            md5(string_agg(concat(i.model_name, i.invocation_id), ' ' order by i.model_name)) as identity
        from marts.closing_inputs as i
    ) as inputs;
    if pg_catalog.current_setting('search_path') operator(pg_catalog.<>) 'pg_catalog, pg_temp' then
        raise exception 'the marts change settings when they are read' using errcode = 'insufficient_privilege';
    end if;
end;
$$;

comment on function planning.marts_built()
is 'As-of date, first month and build of the marts that closings freeze; for planning.close_month.';
