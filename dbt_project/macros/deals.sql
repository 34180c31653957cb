{#-
  What a deal's account, owner, product, stage and currency were on an as-of date, and what it is worth
  in the reporting currency. deals: relation with the columns of int_deal_spans and as_of_date;
  rate_on: the day whose exchange rate converts the amount; rate: known_rate or final_rate.
-#}
{% macro describe_deals(deals, rate_on, rate) %}
with described as (
    select
        deals.*,
        details.product_id,
        details.deal_type,
        details.lead_source,
        details.lead_score,
        details.planned_user_count,
        details.discount_rate,
        details.contract_months,
        details.competitor_count,
        details.has_champion,
        details.has_budget,
        details.has_decision_maker,
        identified.source_name,
        identified.deal_name,
        identified.created_on,
        identified.known_on as created_known_on,
        coalesce(account_merges.merged_into_id, deals.account_id) as current_account_id,
        -- What a stage is called and worth counts from when its definition was seen; its kind is for good.
        case when deals.stages_observed_on <= deals.as_of_date then stages.stage_name end as stage_name,
        case when deals.stages_observed_on <= deals.as_of_date then stages.stage_order end as stage_order,
        case when deals.stages_observed_on <= deals.as_of_date then stages.stage_crm_probability end
            as stage_crm_probability,
        owners.team_path,
        products.product_name,
        products.product_family,
        products.list_price_amount,
        cast(deals.amount as {{ type_double() }}) * rates.{{ rate }} as amount_reporting,
        cast(deals.initial_amount as {{ type_double() }}) * initial_rates.{{ rate }} as initial_amount_reporting,
        cast(products.list_price_amount as {{ type_double() }}) * product_rates.{{ rate }} as list_price_reporting
    from {{ deals }} as deals
    inner join {{ ref('int_deals_identified') }} as identified on deals.deal_id = identified.deal_id
    left join {{ ref('int_stages_identified') }} as stages on deals.stage_id = stages.stage_id
    left join {{ ref('int_entity_merges') }} as account_merges
        on account_merges.entity = 'account' and deals.account_id = account_merges.entity_id
        and deals.as_of_date >= account_merges.merged_from_on
        and deals.as_of_date < account_merges.merged_to_on
    left join {{ ref('int_owner_spans') }} as owners
        on deals.owner_id = owners.owner_id and {{ valid_on('owners', 'deals.as_of_date') }}
    left join {{ ref('int_deal_detail_spans') }} as details
        on deals.deal_id = details.deal_id and {{ valid_on('details', 'deals.as_of_date') }}
    left join {{ ref('int_product_spans') }} as products
        on details.product_id = products.product_id and {{ valid_on('products', 'deals.as_of_date') }}
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on deals.currency_code = rates.currency_code and {{ rate_on }} = rates.date_day
    left join {{ ref('int_exchange_rates_daily') }} as initial_rates
        on deals.initial_currency_code = initial_rates.currency_code and {{ rate_on }} = initial_rates.date_day
    left join {{ ref('int_exchange_rates_daily') }} as product_rates
        on products.currency_code = product_rates.currency_code and {{ rate_on }} = product_rates.date_day
),

segmented as (
    select
        described.*,
        coalesce(accounts.segment_id, {{ unknown_segment() }}) as segment_id,
        accounts.industry,
        accounts.region,
        accounts.account_segment,
        accounts.country_code,
        accounts.employee_count,
        accounts.annual_revenue_amount,
        -- List price, times users, months and what the discount leaves, as far as these are known.
        described.list_price_reporting
        * coalesce(case when described.planned_user_count > 0 then described.planned_user_count end, 1)
        * coalesce(case when described.contract_months > 0 then described.contract_months end, 1)
        * (1 - coalesce(case when described.discount_rate between 0 and 1 then described.discount_rate end, 0))
            as list_value_reporting
    from described
    left join {{ ref('int_account_spans') }} as accounts
        on described.current_account_id = accounts.account_id
        and {{ valid_on('accounts', 'described.as_of_date') }}
)

select
    segmented.*,
    -- An amount whose rate is missing stays null: guessing past it would hide the missing rate.
    cast(case
        when segmented.amount is not null then segmented.amount_reporting
        else coalesce(
            segmented.list_value_reporting, segment_amounts.median_won_amount, company_amounts.median_won_amount
        )
    end as {{ type_money() }}) as forecast_amount,
    case
        when segmented.amount is not null
            then case when segmented.amount_reporting is not null then 'deal' else 'none' end
        when segmented.list_value_reporting is not null then 'list_price'
        when coalesce(segment_amounts.median_won_amount, company_amounts.median_won_amount) is not null
            then 'prior'
        else 'none'
    end as amount_source
from segmented
left join {{ ref('int_won_amounts_summarised') }} as segment_amounts
    on segmented.segment_id = segment_amounts.segment_id and segmented.as_of_date = segment_amounts.as_of_date
left join {{ ref('int_won_amounts_summarised') }} as company_amounts
    on company_amounts.segment_id = '(all)' and segmented.as_of_date = company_amounts.as_of_date
{% endmacro %}
