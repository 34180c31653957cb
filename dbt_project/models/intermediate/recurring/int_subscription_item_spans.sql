-- Grain: one row per subscription item and day its recurring revenue or terms changed.
-- Spans run from the item's first day to the as-of date; validity is exclusive at its end. mrr_amount is 0 in trials,
-- in pauses, before the start and after the end.
{{ keep_by_customer('subscription_id', indexed_by=['customer_id']) }}

{#- The terms are read for every kind of day. All of them are best read from their table each time, a few only once. -#}
{%- set terms = 'changed_terms' if is_incremental() else ref('int_subscription_item_terms') %}
with {% if is_incremental() -%}
changed_terms as (
    select * from {{ ref('int_subscription_item_terms') }} where {{ is_changed('subscription_id') }}
),

{% endif -%}
cuts as (
    {%- for day in [
        'valid_from_on', 'starts_on', 'ends_on', 'trial_from_on', 'trial_to_on', 'paused_from_on', 'paused_to_on',
        'discount_ended_on',
    ] %}
    {{ 'union' if not loop.first }}
    select subscription_item_id, valid_from_on, {{ day }} as cut_on
    from {{ terms }}
    where {{ day }} >= valid_from_on and {{ day }} < valid_to_on and {{ day }} <= {{ as_of_date() }}
    {%- endfor %}
),

cut as (
    select
        terms.*,
        cuts.cut_on,
        coalesce(
            lead(cuts.cut_on) over (
                partition by terms.subscription_item_id, terms.valid_from_on order by cuts.cut_on
            ),
            terms.valid_to_on
        ) as cut_to_on,
        cuts.cut_on >= terms.starts_on and cuts.cut_on < terms.ends_on as is_running,
        cuts.cut_on >= terms.trial_from_on and cuts.cut_on < terms.trial_to_on as is_trial,
        cuts.cut_on >= terms.paused_from_on and cuts.cut_on < terms.paused_to_on as is_paused,
        cuts.cut_on < terms.discount_ended_on as is_discounted
    from cuts
    inner join {{ terms }} as terms
        on cuts.subscription_item_id = terms.subscription_item_id and cuts.valid_from_on = terms.valid_from_on
),

valued as (
    select
        *,
        case
            when not is_running or is_trial or is_paused then 0
            when is_discounted then net_yearly_amount
            else gross_yearly_amount
        end as yearly_amount
    from cut
)

select
    valued.subscription_item_id,
    valued.cut_on as valid_from_on,
    valued.cut_to_on as valid_to_on,
    valued.subscription_id,
    valued.customer_id,
    valued.currency_code,
    valued.plan_id,
    coalesce(identities.canonical_id, valued.product_key, plans.product_id) as product_id,
    valued.price_id,
    valued.charge_model,
    valued.billing_period,
    valued.billing_period_count,
    valued.quantity,
    valued.unit_amount,
    cast(case when valued.is_discounted then valued.discount_rate else 0 end as decimal(24, 8)) as discount_rate,
    cast(case when valued.is_discounted then valued.discount_amount else 0 end as {{ type_money() }})
        as discount_amount,
    valued.is_running,
    valued.is_trial,
    valued.is_paused,
    valued.is_priced,
    cast(
        case when valued.is_running and not valued.is_trial and not valued.is_paused
            then valued.gross_yearly_amount / 12
        else 0 end as {{ type_money() }}
    ) as gross_mrr_amount,
    cast(valued.yearly_amount / 12 as {{ type_money() }}) as mrr_amount,
    cast(valued.yearly_amount as {{ type_money() }}) as arr_amount
from valued
left join {{ ref('int_plans_identified') }} as plans on valued.plan_id = plans.plan_id
left join {{ ref('int_entity_identities') }} as identities
    on identities.entity = 'product' and valued.product_key = identities.source_key
-- What lies before the item's first day says nothing.
where valued.cut_to_on > valued.agreed_on or valued.is_running or valued.agreed_on is null
