-- When the transaction ends, a row of the ledger has the figures that it counts.
create or replace function planning.check_whole()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
    v_count bigint;
begin
    select count(*) into v_count
    from planning.forecast_ledger_figures as figure
    where figure.ledger_id = new.ledger_id;
    if v_count <> new.figure_count then
        raise exception 'forecast % has % figures in place of %', new.ledger_id, v_count, new.figure_count
            using hint = 'Write a row of the ledger and all its figures in one transaction.';
    end if;
    return null;
end;
$$;

comment on function planning.check_whole() is 'Trigger: a published forecast has as many figures as its row says.';
