-- The as-of date of the marts, if the month may be closed on them; else an error that says what to do. Takes the lock of
-- a run until the transaction ends, so that no build replaces what is being frozen and nobody closes at the same time.
-- SQLSTATE 55P03: a run is at work; 55000: the marts are not that far; 22023: not a month that can be closed.
create or replace function planning.closable_as_of(p_month_start_on date)
returns date
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO, YMD'
as $$
declare
    v_month text := to_char(p_month_start_on, 'YYYY-MM');
    v_last planning.month_closings%rowtype;
    v_next text;
    v_built record;
begin
    if not pg_try_advisory_xact_lock(7281002) then
        raise exception 'another run or closing is at work on this database'
            using errcode = 'lock_not_available', hint = 'Try again when it has ended.';
    end if;
    if p_month_start_on is null or not isfinite(p_month_start_on)
        or p_month_start_on <> date_trunc('month', p_month_start_on)::date then
        raise exception '% is not the first day of a month', coalesce(p_month_start_on::text, 'null')
            using errcode = 'invalid_parameter_value', hint = 'A month is named by its first day.';
    end if;
    select * into v_last from planning.closed_months as c order by c.month_start_on desc limit 1;
    v_next := to_char(v_last.month_start_on + interval '1 month', 'YYYY-MM');
    if p_month_start_on <= v_last.month_start_on then
        raise exception '% is closed already', v_month
            using errcode = 'invalid_parameter_value',
            hint = format('The next month to close is %s. Corrections of %s show as adjustments there.', v_next, v_month);
    end if;
    if p_month_start_on > v_last.month_start_on + interval '1 month' then
        raise exception 'months are closed in order: % comes before %', v_next, v_month
            using errcode = 'invalid_parameter_value', hint = 'Run: revlayer close-month ' || v_next;
    end if;
    if to_regclass('marts.accounting_months') is null or to_regclass('marts.closing_inputs') is null then
        raise exception 'the marts are not built, so there is nothing to close'
            using errcode = 'object_not_in_prerequisite_state', hint = 'Run: revlayer run';
    end if;
    select * into v_built from planning.marts_built();
    if v_built.as_of_date is null then
        raise exception 'the marts have neither recurring nor invoiced revenue, so there is nothing to close'
            using errcode = 'object_not_in_prerequisite_state', hint = 'Load billing data, then: revlayer run';
    end if;
    if p_month_start_on < v_built.begins_on then
        raise exception '% has no figures: the first month with any is %', v_month, to_char(v_built.begins_on, 'YYYY-MM')
            using errcode = 'invalid_parameter_value',
            hint = 'Run: revlayer close-month ' || to_char(v_built.begins_on, 'YYYY-MM') || ', or a later month.';
    end if;
    if v_built.mixed_models is not null then
        raise exception 'the last build stopped halfway or built a part: of another build are %', v_built.mixed_models
            using errcode = 'object_not_in_prerequisite_state', hint = 'Run: revlayer run';
    end if;
    if v_built.as_of_date < p_month_start_on + interval '1 month' - interval '1 day' then
        raise exception '% is not over: the marts are built as of %', v_month, v_built.as_of_date
            using errcode = 'object_not_in_prerequisite_state',
            hint = 'Load what came since, then: revlayer run --as-of, with a day on or after the end of the month.';
    end if;
    if v_built.as_of_date < v_last.as_of_date then
        raise exception 'the marts are built as of %, before what % was closed on (%)', v_built.as_of_date,
            to_char(v_last.month_start_on, 'YYYY-MM'), v_last.as_of_date
            using errcode = 'object_not_in_prerequisite_state',
            hint = 'Run: revlayer run --as-of ' || v_last.as_of_date || ', or a later day.';
    end if;
    return v_built.as_of_date;
end;
$$;

comment on function planning.closable_as_of(date)
is 'The as-of date of the marts, if the month may be closed on them; else an error that says what to do.';
