-- Grain: one row per line of a document that is revenue by itself.
-- The period of recognition is resolved here: [recognised_from_on, recognised_to_on), one day for what is earned at
-- once. Milestone lines have none. service_cut_on is the end of the subscription item inside of the period.
with documents as (
    select documents.*
    from {{ ref('int_revenue_documents') }} as documents
    left join {{ ref('int_revenue_corrections') }} as corrections
        on documents.revenue_line_id = corrections.revenue_line_id
    where corrections.revenue_line_id is null
),

methods as (
    select
        documents.*,
        coalesce(
            documents.recognition_method,
            prices.recognition_method,
            case
                when documents.service_started_on < documents.service_ended_on then 'straight_line'
                else 'point_in_time'
            end
        ) as method
    from documents
    left join {{ ref('int_price_recognition_methods') }} as prices on documents.price_id = prices.price_id
),

dated as (
    select
        *,
        method in ('straight_line', 'usage') and coalesce(service_started_on < service_ended_on, false) as is_spread,
        coalesce(
            case when method <> 'usage' then recognised_on end,
            -- Use is over on the last day of its period.
            case when method = 'usage' then greatest(service_started_on, {{ add_days('service_ended_on', -1) }}) end,
            service_started_on,
            recognised_on,
            issued_on
        ) as earned_on
    from methods
)

select
    dated.revenue_line_id,
    dated.line_kind,
    dated.invoice_id,
    dated.customer_id,
    dated.subscription_item_id,
    coalesce(products.canonical_id, dated.product_key) as product_id,
    dated.currency_code,
    dated.method as recognition_method,
    dated.amount,
    dated.issued_on,
    dated.gone_on,
    case when dated.is_spread then dated.service_started_on when dated.method <> 'milestone' then dated.earned_on end
        as recognised_from_on,
    case
        when dated.is_spread then dated.service_ended_on
        when dated.method <> 'milestone' then {{ add_days('dated.earned_on', 1) }}
    end as recognised_to_on,
    ends.ended_on as service_cut_on
from dated
left join {{ ref('int_entity_identities') }} as products
    on products.entity = 'product' and dated.product_key = products.source_key
left join {{ ref('int_subscription_item_ends') }} as ends
    on dated.subscription_item_id = ends.subscription_item_id and dated.is_spread
    and ends.ended_on >= dated.service_started_on and ends.ended_on < dated.service_ended_on
