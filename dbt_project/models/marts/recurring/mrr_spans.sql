-- Grain: one row per subscription item and span of days with one recurring revenue (validity is exclusive at its end).
-- What metrics.mrr_as_of reads. By item, since amounts in the reporting currency are rounded item by item.
{{ config(indexes=[{'columns': ['valid_to_on', 'valid_from_on']}] if target.type == 'postgres' else []) }}
select
    subscription_item_id,
    customer_id,
    currency_code,
    valid_from_on,
    valid_to_on,
    mrr_amount,
    arr_amount
from {{ ref('int_subscription_item_spans') }}
where mrr_amount <> 0
