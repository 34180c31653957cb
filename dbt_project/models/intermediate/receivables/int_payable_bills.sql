-- Grain: one row per known supplier bill, drafts too.
-- Supplier, currency and validity are as known last, by the rules of int_receivable_invoices. A draft never counts.
with latest as (
    select * from {{ ref('int_payable_bill_spans') }} where valid_to_on = {{ end_of_time() }}
),

status_changes as (
    select
        supplier_bill_id,
        max(case when status is distinct from 'void' then valid_to_on end) as void_on,
        max(case when status is distinct from 'paid' then valid_to_on end) as paid_on
    from {{ ref('int_payable_bill_spans') }}
    group by supplier_bill_id
)

select
    latest.supplier_bill_id,
    latest.supplier_id,
    latest.currency_code,
    latest.known_on as latest_known_on,
    latest.issued_on as counts_from_on,
    case
        when latest.status = 'draft' then latest.issued_on
        when latest.voided_on is not null then greatest(latest.voided_on, latest.issued_on)
        when latest.status = 'void' then greatest(coalesce(status_changes.void_on, latest.issued_on), latest.issued_on)
        else {{ end_of_time() }}
    end as counts_to_on,
    case
        when latest.status = 'paid' then greatest(coalesce(status_changes.paid_on, latest.issued_on), latest.issued_on)
    end as stated_settled_on
from latest
inner join status_changes on latest.supplier_bill_id = status_changes.supplier_bill_id
