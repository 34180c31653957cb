-- Grain: one row per customer, period, currency and plan: what the customer paid for the plan before and after.
-- Items of one plan are one line, so that a new item in place of an old one is a change of seats or price. Amounts in
-- the reporting currency are rounded item by item, at the rate of the opening and at that of the closing.
{{ keep_by_customer('customer_id', indexed_by=['customer_id']) }}

with sides as (
    select
        transitions.customer_id,
        transitions.period,
        transitions.period_start_on,
        spans.currency_code,
        coalesce(spans.plan_id, spans.product_id, '') as plan_key,
        spans.subscription_item_id,
        spans.valid_from_on <= transitions.opening_on as is_opening,
        spans.valid_to_on > transitions.closing_on as is_closing,
        case when spans.charge_model = 'flat' then 1 else spans.quantity end as quantity,
        -- What the price hangs on besides the quantity, and what the discount is.
        case
            when spans.charge_model in ('tiered', 'volume') then spans.price_id
            else cast(spans.unit_amount as {{ dbt.type_string() }})
        end
        || '/' || cast(spans.billing_period_count as {{ dbt.type_string() }}) || spans.billing_period as price_terms,
        cast(spans.discount_rate as {{ dbt.type_string() }})
        || '/' || cast(spans.discount_amount as {{ dbt.type_string() }}) as discount_terms,
        spans.is_running and spans.is_paused as is_on_hold,
        spans.gross_mrr_amount as gross_amount,
        spans.mrr_amount as amount,
        {{ to_reporting('spans.mrr_amount', 'opening_rates.final_rate') }} as amount_at_opening_rate,
        {{ to_reporting('spans.mrr_amount', 'closing_rates.final_rate') }} as amount_at_closing_rate,
        reasons.reason
    from {{ ref('int_mrr_transitions') }} as transitions
    inner join {{ ref('int_subscription_item_spans') }} as spans
        on transitions.customer_id = spans.customer_id
        and spans.valid_from_on <= transitions.closing_on and spans.valid_to_on > transitions.opening_on
        and (spans.valid_from_on <= transitions.opening_on or spans.valid_to_on > transitions.closing_on)
    left join {{ ref('int_exchange_rates_daily') }} as opening_rates
        on spans.currency_code = opening_rates.currency_code and transitions.opening_on = opening_rates.date_day
    left join {{ ref('int_exchange_rates_daily') }} as closing_rates
        on spans.currency_code = closing_rates.currency_code and transitions.closing_on = closing_rates.date_day
    left join {{ ref('int_mrr_reasons') }} as reasons
        on spans.subscription_item_id = reasons.subscription_item_id
        and transitions.period = reasons.period and transitions.period_start_on = reasons.period_start_on
    where (spans.gross_mrr_amount <> 0 or spans.mrr_amount <> 0 or spans.is_paused)
        and {{ is_changed('customer_id', 'transitions.customer_id') }}
)

select
    customer_id,
    period,
    period_start_on,
    currency_code,
    plan_key,
    {%- for side in ['opening', 'closing'] %}
    {%- for name in ['quantity', 'gross_amount', 'amount', 'amount_at_opening_rate', 'amount_at_closing_rate'] %}
    coalesce(sum({{ name }}) filter (where is_{{ side }}), 0) as {{ side }}_{{ name }},
    {%- endfor %}
    {%- for name in ['price_terms', 'discount_terms'] %}
    case when min({{ name }}) filter (where is_{{ side }}) = max({{ name }}) filter (where is_{{ side }})
        then min({{ name }}) filter (where is_{{ side }})
    end as {{ side }}_{{ name }},
    {%- endfor %}
    coalesce(bool_or(is_on_hold) filter (where is_{{ side }}), false) as is_{{ side }}_on_hold,
    {%- endfor %}
    -- The rate is one for all items of the line.
    count(amount_at_opening_rate) > 0 as has_opening_rate,
    count(amount_at_closing_rate) > 0 as has_closing_rate,
    case when min(reason) = max(reason) then min(reason) end as stated_reason
from sides
group by customer_id, period, period_start_on, currency_code, plan_key
