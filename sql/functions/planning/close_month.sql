-- Freezes the figures of a month as the marts have them, and returns the closing. The first closing freezes all months
-- before it too, so that every later one follows a frozen month. The owner's rights: nobody can insert figures by hand.
create or replace function planning.close_month(p_month_start_on date, p_note text default null)
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = ''
set datestyle = 'ISO, YMD'
as $$
declare
    v_as_of_date date := planning.closable_as_of(p_month_start_on);
    v_first date;
    v_closing planning.month_closings%rowtype;
begin
    select coalesce(
        (select (max(c.month_start_on) + interval '1 month')::date from planning.closed_months as c),
        least(
            p_month_start_on,
            (select min(m.month_start_on) from marts.fct_mrr_monthly as m),
            (select min(d.month_start_on) from marts.deferred_revenue_monthly as d)
        )
    ) into v_first;
    v_closing.closing_id := nextval(pg_get_serial_sequence('planning.month_closings', 'closing_id'));

    insert into planning.closed_mrr (
        closing_id, month_start_on, customer_id, currency_code, account_id, segment_id, mrr_amount, arr_amount,
        committed_mrr_amount, mrr_reporting_amount, arr_reporting_amount, committed_mrr_reporting_amount,
        first_paid_month_on
    )
    select
        v_closing.closing_id, m.month_start_on, m.customer_id, m.currency_code, m.account_id, m.segment_id,
        m.mrr_amount, m.arr_amount, m.committed_mrr_amount, m.mrr_reporting_amount, m.arr_reporting_amount,
        m.committed_mrr_reporting_amount, m.first_paid_month_on
    from marts.fct_mrr_monthly as m
    where m.month_start_on between v_first and p_month_start_on;
    get diagnostics v_closing.mrr_row_count = row_count;

    insert into planning.closed_mrr_movements (
        closing_id, month_start_on, customer_id, currency_code, movement, reason, movement_amount
    )
    select
        v_closing.closing_id, m.month_start_on, m.customer_id, m.currency_code, m.movement, m.reason,
        m.movement_amount
    from marts.fct_mrr_movements as m
    where m.month_start_on between v_first and p_month_start_on;
    get diagnostics v_closing.movement_row_count = row_count;

    insert into planning.closed_mrr_movements_reporting (
        closing_id, month_start_on, customer_id, movement, reason, movement_reporting_amount
    )
    select
        v_closing.closing_id, m.month_start_on, m.customer_id, m.movement, m.reason, m.movement_reporting_amount
    from marts.fct_mrr_movements_reporting as m
    where m.month_start_on between v_first and p_month_start_on;

    insert into planning.closed_revenue (
        closing_id, month_start_on, customer_id, currency_code, net_billed_amount, recognised_amount,
        recognised_reporting_amount, billed_to_date_amount, recognised_to_date_amount,
        recognised_reporting_to_date_amount, closing_deferred_amount, closing_unbilled_amount
    )
    select
        v_closing.closing_id, r.month_start_on, r.customer_id, r.currency_code, r.net_billed_amount, r.recognised_amount,
        r.recognised_reporting_amount, r.billed_to_date_amount, r.recognised_to_date_amount,
        r.recognised_reporting_to_date_amount, r.closing_deferred_amount, r.closing_unbilled_amount
    from marts.revenue_to_date_monthly as r
    where r.month_start_on between v_first and p_month_start_on;
    get diagnostics v_closing.revenue_row_count = row_count;

    insert into planning.month_closings (
        closing_id, month_start_on, first_month_start_on, as_of_date, reporting_currency_code, note, mrr_row_count,
        movement_row_count, revenue_row_count, mrr_reporting_amount, arr_reporting_amount,
        recognised_reporting_amount, frozen_sha256
    )
    select
        v_closing.closing_id, p_month_start_on, v_first, v_as_of_date,
        (select max(a.known_currency_code) from marts.accounting_months as a), nullif(btrim(p_note), ''),
        v_closing.mrr_row_count, v_closing.movement_row_count, v_closing.revenue_row_count,
        coalesce(sum(c.mrr_reporting_amount), 0), coalesce(sum(c.arr_reporting_amount), 0),
        (
            select coalesce(sum(r.recognised_reporting_amount), 0)
            from planning.closed_revenue as r
            where r.closing_id = v_closing.closing_id and r.month_start_on = p_month_start_on
        ),
        planning.frozen_digest(v_closing.closing_id)
    from planning.closed_mrr as c
    where c.closing_id = v_closing.closing_id and c.month_start_on = p_month_start_on;
    return v_closing.closing_id;
end;
$$;

comment on function planning.close_month(date, text)
is 'Freezes the figures of a month that is over, as the marts have them. Months are closed in order.';
