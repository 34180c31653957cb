-- Grain: one row per invoice that is known by the as-of date to owe nothing any more.
-- What was voided, written off or deleted was not paid: it leaves the count on that day.
select
    invoice_id,
    is_paid,
    settled_on,
    known_on as settled_known_on
from {{ ref('int_invoices_settled') }}
where known_on <= {{ as_of_date() }}
