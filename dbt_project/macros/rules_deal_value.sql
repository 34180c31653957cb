{#-
  Yields deal_id, rule_value_amount, rule_base_amount, rule_value_confidence.
  Reads product_family (as the plan), planned_user_count, list_price_reporting, discount_rate, contract_months,
  industry, stage_name and similar_closed_average_amount; all amounts in the reporting currency. The billing cycle and
  the expansion factor are not known for a deal.
-#}
{% macro with_deal_value(deals) -%}
{%- set factors = {'plan_factor': 'product_family', 'industry_factor': 'industry', 'stage_factor': 'stage_name'} -%}
with rules as (
    select
        {{ rule_columns([
            ('blend', 'similar_closed_weight'), ('unknown', 'contract_months'), ('unknown', 'discount_rate'),
            ('unknown', 'expansion_factor'), ('confidence_weight', 'planned_users'),
            ('confidence_weight', 'list_price'), ('confidence_weight', 'contract_months'),
            ('confidence_weight', 'discount_rate'), ('confidence_weight', 'similar_closed'),
        ]) }},
        {%- for group in factors.keys() | list + ['billing_factor'] %}
        max(case when rule_group = '{{ group }}' and rule_name = '(default)' then rule_value end)
            as {{ group }}_default {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('rule_deal_value') }}
),

inputs as (
    select
        deals.deal_id,
        rules.*,
        {%- for group in factors %}
        {{ group }}s.rule_value as known_{{ group }},
        {%- endfor %}
        {{ bounded('deals.planned_user_count', 0, '1e9') }} as planned_users,
        {{ bounded('deals.list_price_reporting', 0, '1e9') }} as list_price,
        {{ bounded('deals.discount_rate', 0, 1) }} as discount_rate,
        {{ bounded('deals.contract_months', 0, 1200) }} as contract_months,
        cast(deals.similar_closed_average_amount as {{ type_double() }}) as similar_closed_average
    from {{ deals }} as deals
    cross join rules
    {%- for group, column in factors.items() %}
    left join {{ ref('rule_deal_value') }} as {{ group }}s
        on {{ group }}s.rule_group = '{{ group }}' and {{ group }}s.rule_name = {{ rule_key('deals.' ~ column) }}
    {%- endfor %}
),

based as (
    select
        inputs.*,
        planned_users
        * list_price
        * coalesce(contract_months, unknown_contract_months)
        * (1 - coalesce(discount_rate, unknown_discount_rate)) as base_amount
    from inputs
),

adjusted as (
    select
        based.*,
        base_amount
        * coalesce(known_plan_factor, plan_factor_default)
        * billing_factor_default
        * coalesce(known_industry_factor, industry_factor_default)
        * coalesce(known_stage_factor, stage_factor_default)
        * unknown_expansion_factor as adjusted_amount
    from based
),

blended as (
    select
        adjusted.*,
        case
            when adjusted_amount is null then similar_closed_average
            when similar_closed_average is null then adjusted_amount
            else
                (1 - blend_similar_closed_weight) * adjusted_amount
                + blend_similar_closed_weight * similar_closed_average
        end as value_amount
    from adjusted
)

select
    deal_id,
    cast({{ bounded('value_amount', 0, '1e15') }} as {{ type_money() }}) as rule_value_amount,
    cast({{ bounded('base_amount', 0, '1e15') }} as {{ type_money() }}) as rule_base_amount,
    {{ known_share({
        'confidence_weight_planned_users': 'planned_users is not null',
        'confidence_weight_list_price': 'list_price is not null',
        'confidence_weight_contract_months': 'contract_months is not null',
        'confidence_weight_discount_rate': 'discount_rate is not null',
        'confidence_weight_similar_closed': 'similar_closed_average is not null',
    }) }} as rule_value_confidence
from blended
{%- endmacro %}
