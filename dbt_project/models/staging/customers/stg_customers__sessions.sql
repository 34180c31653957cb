-- Grain: one row per session of a source.
select
    {{ source_key('source_id') }} as session_id,
    source_name,
    {{ source_key('customer_source_id') }} as customer_key,
    {{ dbt.cast('null', dbt.type_string()) }} as billing_customer_key,
    {{ source_key('account_source_id') }} as account_key,
    page_view_count,
    item_view_count,
    coalesce(has_cart, cart_add_count > 0) as has_cart,
    coalesce(has_order, order_source_id is not null) as has_order,
    {{ local_date('coalesce(occurred_at, recorded_at)') }} as occurred_on,
    {{ known_on('coalesce(recorded_at, occurred_at)') }} as known_on,
    {{ local_date('deleted_at') }} as deleted_on,
    coalesce(recorded_at < occurred_at, false) as is_recorded_early
from {{ source('raw', 'sessions') }}
where coalesce(occurred_at, recorded_at) is not null
