-- Grain: one row per billing customer and day from which what its tax hangs on is another.
-- A customer deleted in the source keeps what it was until that day: its documents were taxed so.
{{ config(materialized='view') }}

select
    spans.customer_id,
    spans.valid_from_on,
    least(
        spans.valid_to_on, case when customers.deleted_on <= {{ as_of_date() }} then customers.deleted_on end
    ) as valid_to_on,
    upper(spans.country_code) as country_code,
    upper(spans.region_code) as region_code,
    case when spans.is_business then 'business' else 'consumer' end as customer_kind,
    coalesce(spans.is_tax_exempt, false) as is_tax_exempt
from {{ ref('int_billing_customer_spans') }} as spans
inner join {{ ref('int_billing_customers_identified') }} as customers on spans.customer_id = customers.customer_id
where customers.known_on <= {{ as_of_date() }}
    and (customers.deleted_on is null or customers.deleted_on > {{ as_of_date() }}
        or customers.deleted_on > spans.valid_from_on)
