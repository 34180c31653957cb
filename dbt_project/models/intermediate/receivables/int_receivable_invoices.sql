-- Grain: one row per invoice that is or was a receivable.
-- Who owes it, in which currency, since when and whether it was voided are as known last; drafts are left out.
-- It counts from counts_from_on to the day before counts_to_on. A status of void or paid without a day of its own
-- holds from the change to it; where no history tells the change, from the beginning.
with latest as (
    select * from {{ ref('int_receivable_invoice_spans') }} where valid_to_on = {{ end_of_time() }}
),

status_changes as (
    select
        invoice_id,
        max(case when status is distinct from 'void' then valid_to_on end) as void_on,
        max(case when status is distinct from 'paid' then valid_to_on end) as paid_on
    from {{ ref('int_receivable_invoice_spans') }}
    group by invoice_id
),

dated as (
    select
        latest.*,
        case
            when latest.voided_on is not null then latest.voided_on
            when latest.status = 'void' then coalesce(status_changes.void_on, latest.issued_on)
        end as gone_on,
        case
            when latest.settled_on is not null then latest.settled_on
            when latest.status = 'paid' then coalesce(status_changes.paid_on, latest.issued_on)
        end as stated_settled_on
    from latest
    inner join status_changes on latest.invoice_id = status_changes.invoice_id
    where latest.status is distinct from 'draft' and latest.issued_on is not null
)

select
    dated.invoice_id,
    coalesce(identities.canonical_id, dated.customer_key) as customer_id,
    dated.currency_code,
    dated.known_on as latest_known_on,
    dated.issued_on as counts_from_on,
    coalesce(dated.gone_on, {{ end_of_time() }}) as counts_to_on,
    case when dated.stated_settled_on is not null then greatest(dated.stated_settled_on, dated.issued_on) end
        as stated_settled_on
from dated
left join {{ ref('int_entity_identities') }} as identities
    on identities.entity = 'billing_customer' and dated.customer_key = identities.source_key
where dated.gone_on is null or dated.gone_on > dated.issued_on
