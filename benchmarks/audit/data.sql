-- name: lines
-- Invoice lines as an importer would send them, with all that a subscription's line says.
copy (
    select
        'bench', 'L' || {batch} || '-' || n, timestamptz '2025-01-01 00:00Z' + n * interval '1 minute',
        timestamptz '2025-02-01 00:00Z', 'I' || n / 2, 'S' || n % 1000, 'P' || n % 10, 'R' || n % 20, 'T1',
        'subscription', 'Subscription for January, line ' || n, (1 + n % 9)::numeric, 19.99, 0.00,
        19.99 * (1 + n % 9), round(0.19 * 19.99 * (1 + n % 9), 2), 'EUR', date '2025-01-01', date '2025-01-31',
        'straight_line', 'standard', false
    from generate_series(1, {rows}) as n
) to stdout

-- name: load
copy raw.invoice_lines (
    source_name, source_id, occurred_at, loaded_at, invoice_source_id, subscription_item_source_id, product_source_id,
    price_source_id, tax_rate_source_id, line_type, description, quantity, unit_amount, discount_amount, amount,
    tax_amount, currency_code, service_started_on, service_ended_on, recognition_method, tax_class, is_proration
) from stdin

-- name: unwatched
-- Triggers off, so that the same rows can be loaded without events and emptied.
alter table raw.invoice_lines disable trigger user

-- name: watched
alter table raw.invoice_lines enable trigger user

-- name: empty
truncate raw.invoice_lines

-- name: count
select event_id from audit.head

-- name: check
select is_intact, event_count, first_broken_event_id from audit.verify()

-- name: tamper
-- One digit of one event in another place than the last.
alter table audit.events disable trigger append_only;
update audit.events set payload = overlay(payload placing 'x' from length(payload) - 5 for 1) where event_id = {event};
alter table audit.events enable trigger append_only
