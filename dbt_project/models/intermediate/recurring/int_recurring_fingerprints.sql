-- Grain: one row per customer and subscription it has or had; the subscription '' stands for the customer itself, the
-- customer '' for nobody, whose subscriptions are those that items and changes name without there being such.
-- fingerprint is that of the rows the two hang on, changed_in the build in which it was last another; what is gone
-- stays, with a fingerprint of null.
{{ config(
    materialized='incremental' if target.type == 'postgres' else 'table',
    incremental_strategy='delete+insert' if target.type == 'postgres' else none,
    unique_key=['customer_id', 'subscription_id'],
    indexes=[{'columns': ['changed_in']}, {'columns': ['customer_id']}] if target.type == 'postgres' else [],
    post_hook="analyze {{ this }}" if target.type == 'postgres' else ''
) }}

with found as (
    select customer_id, subscription_id, fingerprint from {{ ref('int_subscription_fingerprints') }}

    union all

    select spans.customer_id, '' as subscription_id, sum({{ row_fingerprint('spans') }}) as fingerprint
    from {{ ref('int_customer_segment_spans') }} as spans
    group by spans.customer_id
),

builds as (
    select coalesce(max(generation), 0) + 1 as generation
    from (
        select generation from {{ ref('int_recurring_builds') }}
        {%- if is_incremental() %}
        union all
        select changed_in as generation from {{ this }}
        {%- endif %}
    ) as earlier
)

{%- if is_incremental() %}

select
    coalesce(found.customer_id, earlier.customer_id) as customer_id,
    coalesce(found.subscription_id, earlier.subscription_id) as subscription_id,
    found.fingerprint,
    builds.generation as changed_in
from found
full join {{ this }} as earlier
    on found.customer_id = earlier.customer_id and found.subscription_id = earlier.subscription_id
cross join builds
where found.fingerprint is distinct from earlier.fingerprint
{%- else %}

select found.customer_id, found.subscription_id, found.fingerprint, builds.generation as changed_in
from found
cross join builds
{%- endif %}
