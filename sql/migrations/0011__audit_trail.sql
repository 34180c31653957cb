-- Financial events: an append-only chain. An event's hash covers its number, its payload and the hash before it, so a
-- changed, missing, added or moved event breaks the chain where it happened.
create table audit.events (
    event_id bigint primary key,
    payload text not null,
    previous_hash bytea not null,
    hash bytea not null
);
-- The end of the chain: without it a cut-off tail would leave a chain that holds.
create table audit.head (
    only_row boolean primary key default true check (only_row),
    event_id bigint not null,
    hash bytea not null
);
insert into audit.head (event_id, hash) values (0, decode(repeat('00', 32), 'hex'));

comment on table audit.events is 'Append-only financial events, each chained to the one before by SHA-256.';
comment on table audit.head is 'Number and hash of the last event. Keep a copy elsewhere to notice a rewritten chain.';

-- What each function does stands in sql/functions/audit/, which re-creates them at every deploy.
create function audit.record() returns trigger language plpgsql
as $$ begin raise exception 'deploy is not finished'; end $$;
create function audit.refuse() returns trigger language plpgsql
as $$ begin raise exception 'deploy is not finished'; end $$;

create trigger append_only before update or delete or truncate on audit.events
for each statement execute function audit.refuse();

-- Statement triggers with transition tables: one lock and one pass for a whole COPY.
do $$
declare
    v_table text;
begin
    foreach v_table in array array[
        'billing_customers', 'billing_customer_changes', 'plans', 'plan_changes', 'prices', 'price_changes',
        'price_tiers', 'subscriptions', 'subscription_items', 'subscription_changes', 'invoices', 'invoice_changes',
        'invoice_lines', 'revenue_milestones', 'payments', 'payment_changes', 'payment_allocations', 'refunds',
        'credit_notes', 'credit_note_lines', 'credit_note_allocations', 'write_offs', 'suppliers', 'supplier_bills',
        'supplier_bill_changes', 'supplier_bill_lines', 'supplier_payments', 'tax_rates', 'tax_exemptions',
        'exchange_rates'
    ] loop
        execute format(
            'create trigger audit_insert after insert on raw.%1$I referencing new table as new_rows'
            ' for each statement execute function audit.record();'
            'create trigger audit_update after update on raw.%1$I'
            ' referencing old table as old_rows new table as new_rows'
            ' for each statement execute function audit.record();'
            'create trigger audit_delete after delete on raw.%1$I referencing old table as old_rows'
            ' for each statement execute function audit.record();'
            'create trigger audit_truncate before truncate on raw.%1$I'
            ' for each statement execute function audit.refuse()',
            v_table
        );
    end loop;
end $$;
