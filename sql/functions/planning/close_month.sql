-- Freezes the figures of a month as the marts have them, and returns the closing. The first closing freezes all months
-- before it too, so that every later one follows a frozen month. The owner's rights: nobody can insert figures by hand.
-- What it freezes is read by planning.marts_figures with a reader's rights, never by itself.
create or replace function planning.close_month(p_month_start_on date, p_note text default null)
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO, YMD'
as $$
declare
    v_as_of_date date := planning.closable_as_of(p_month_start_on);
    v_built record;
    v_id bigint := nextval('planning.month_closings_closing_id_seq');
    v_first date;
    v_closing planning.month_closings%rowtype;
begin
    select * into v_built from planning.marts_built();
    select coalesce((max(c.month_start_on) + interval '1 month')::date, v_built.begins_on) into v_first
    from planning.closed_months as c;

    insert into planning.closed_mrr
    select f.*
    from planning.marts_figures(null::planning.closed_mrr, 'fct_mrr_monthly', v_id, v_first, p_month_start_on) as f;
    get diagnostics v_closing.mrr_row_count = row_count;

    insert into planning.closed_mrr_movements
    select f.*
    from planning.marts_figures(
        null::planning.closed_mrr_movements, 'fct_mrr_movements', v_id, v_first, p_month_start_on
    ) as f;
    get diagnostics v_closing.movement_row_count = row_count;

    insert into planning.closed_mrr_movements_reporting
    select f.*
    from planning.marts_figures(
        null::planning.closed_mrr_movements_reporting, 'fct_mrr_movements_reporting', v_id, v_first, p_month_start_on
    ) as f;

    insert into planning.closed_revenue
    select f.*
    from planning.marts_figures(
        null::planning.closed_revenue, 'revenue_to_date_monthly', v_id, v_first, p_month_start_on
    ) as f;
    get diagnostics v_closing.revenue_row_count = row_count;

    -- The lock of a run does not stop dbt when it is started by hand.
    if (select b.identity from planning.marts_built() as b) is distinct from v_built.identity then
        raise exception 'the marts were built again while they were being frozen'
            using errcode = 'object_not_in_prerequisite_state', hint = 'Try again when the build has ended.';
    end if;

    v_closing.closing_id := v_id;
    v_closing.month_start_on := p_month_start_on;
    v_closing.first_month_start_on := v_first;
    v_closing.as_of_date := v_as_of_date;
    v_closing.reporting_currency_code := v_built.currency_code;
    v_closing.note := nullif(btrim(p_note), '');
    select coalesce(sum(c.mrr_reporting_amount), 0), coalesce(sum(c.arr_reporting_amount), 0)
    into v_closing.mrr_reporting_amount, v_closing.arr_reporting_amount
    from planning.closed_mrr as c
    where c.closing_id = v_id and c.month_start_on = p_month_start_on;
    select coalesce(sum(r.recognised_reporting_amount), 0) into v_closing.recognised_reporting_amount
    from planning.closed_revenue as r
    where r.closing_id = v_id and r.month_start_on = p_month_start_on;
    v_closing.closed_by := session_user;
    v_closing.closed_at := clock_timestamp();
    -- The next event of the chain, which nobody else appends to until this transaction ends, is that of the closing.
    select h.event_id + 1 into v_closing.audit_event_id from audit.head as h for update;
    v_closing.frozen_sha256 := planning.frozen_digest(v_closing);
    insert into planning.month_closings select v_closing.*;
    return v_id;
end;
$$;

comment on function planning.close_month(date, text)
is 'Freezes the figures of a month that is over, as the marts have them. Months are closed in order.';
