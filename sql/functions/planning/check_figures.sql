-- What is published takes no more figures: those of its row are there since the transaction that wrote it.
create or replace function planning.check_figures()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
    v_ledger_id bigint;
begin
    select ledger.ledger_id into v_ledger_id
    from planning.forecast_ledger as ledger
    where
        ledger.ledger_id in (select inserted.ledger_id from inserted)
        and ledger.figure_count < (
            select count(*) from planning.forecast_ledger_figures as figure where figure.ledger_id = ledger.ledger_id
        )
    order by ledger.ledger_id
    limit 1;
    if v_ledger_id is not null then
        raise exception 'forecast % has all its figures already', v_ledger_id
            using hint = 'What was published stays. Publish another forecast.';
    end if;
    return null;
end;
$$;

comment on function planning.check_figures() is 'Trigger: refuses figures beyond those that a forecast was published with.';
