-- Takes the latest closing back. Its rows stay; the month can be closed again, with the figures known by then.
create or replace function planning.reopen_month(p_month_start_on date, p_reason text)
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_last planning.month_closings%rowtype;
begin
    if not pg_try_advisory_xact_lock(7281002) then
        raise exception 'another run or closing is at work on this database'
            using errcode = 'lock_not_available', hint = 'Try again when it has ended.';
    end if;
    select * into v_last from planning.closed_months as c order by c.month_start_on desc limit 1;
    if not found then
        raise exception 'no month is closed, so there is nothing to reopen'
            using errcode = 'invalid_parameter_value', hint = 'See what was closed: revlayer closings';
    end if;
    if p_month_start_on is distinct from v_last.month_start_on then
        raise exception 'only the month that was closed last can be reopened: %',
            to_char(v_last.month_start_on, 'YYYY-MM')
            using errcode = 'invalid_parameter_value',
            hint = 'Reopen the later months first, or leave it: corrections show as adjustments in the open month.';
    end if;
    if coalesce(btrim(p_reason), '') = '' then
        raise exception 'a reopening needs a reason'
            using errcode = 'invalid_parameter_value', hint = 'Say why: it is kept with the closing.';
    end if;
    insert into planning.month_reopenings (closing_id, reason) values (v_last.closing_id, btrim(p_reason));
    return v_last.closing_id;
end;
$$;

comment on function planning.reopen_month(date, text)
is 'Takes the closing of the month that was closed last back, with a reason; the frozen rows stay.';
