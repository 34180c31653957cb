-- Grain: one row per deal and as-of date at whose end it was open.
{%- set attributes = deal_attributes() %}

select
    deals.deal_id,
    deals.as_of_date,
    deals.current_account_id as account_id,
    deals.owner_id,
    deals.segment_id,
    deals.stage_id,
    deals.product_id,
    deals.currency_code,
    deals.team_path,
    deals.source_name,
    deals.created_on,
    deals.expected_close_on,
    deals.forecast_amount,
    deals.amount_source,
    deals.stage_name,
    deals.industry,
    deals.region,
    deals.account_segment,
    deals.product_family,
    deals.lead_source,
    deals.deal_type,
    deals.forecast_category,
    cast(
        {{ days_between('deals.created_on', 'deals.as_of_date') }} as {{ type_double() }}
    ) as deal_age_days,
    cast(
        {{ days_between('deals.stage_entered_on', 'deals.as_of_date') }} as {{ type_double() }}
    ) as days_in_stage,
    cast(deals.stage_order as {{ type_double() }}) as stage_order,
    cast(deals.stage_crm_probability as {{ type_double() }}) as stage_crm_probability,
    cast(deals.amount as {{ type_double() }}) as amount,
    cast(deals.amount_reporting as {{ type_double() }}) as amount_reporting,
    cast(deals.initial_amount_reporting as {{ type_double() }}) as initial_amount_reporting,
    {{ ratio('deals.amount_reporting - deals.initial_amount_reporting', 'deals.initial_amount_reporting') }}
        as amount_change_rate,
    cast(deals.list_price_reporting as {{ type_double() }}) as list_price_reporting,
    cast(deals.list_value_reporting as {{ type_double() }}) as list_value_reporting,
    cast(deals.planned_user_count as {{ type_double() }}) as planned_user_count,
    cast(deals.discount_rate as {{ type_double() }}) as discount_rate,
    cast(deals.contract_months as {{ type_double() }}) as contract_months,
    cast(deals.lead_score as {{ type_double() }}) as lead_score,
    cast(deals.competitor_count as {{ type_double() }}) as competitor_count,
    cast(case deals.has_champion when true then 1 when false then 0 end as {{ type_double() }}) as has_champion,
    cast(case deals.has_budget when true then 1 when false then 0 end as {{ type_double() }}) as has_budget,
    cast(case deals.has_decision_maker when true then 1 when false then 0 end as {{ type_double() }})
        as has_decision_maker,
    cast(
        {{ days_between('deals.as_of_date', 'deals.expected_close_on') }} as {{ type_double() }}
    ) as days_to_expected_close,
    cast(deals.expected_close_push_count as {{ type_double() }}) as expected_close_push_count,
    cast(deals.expected_close_pull_count as {{ type_double() }}) as expected_close_pull_count,
    cast(deals.stage_change_count as {{ type_double() }}) as stage_change_count,
    cast(
        case when deals.stages_observed_on <= deals.as_of_date then deals.stage_backward_count end
        as {{ type_double() }}
    ) as stage_backward_count,
    cast(deals.amount_change_count as {{ type_double() }}) as amount_change_count,
    cast(deals.owner_change_count as {{ type_double() }}) as owner_change_count,
    cast(coalesce(activities.activity_count_7d, 0) as {{ type_double() }}) as activity_count_7d,
    cast(coalesce(activities.activity_count_30d, 0) as {{ type_double() }}) as activity_count_30d,
    cast(coalesce(activities.activity_count_90d, 0) as {{ type_double() }}) as activity_count_90d,
    cast(coalesce(activities.activity_count, 0) as {{ type_double() }}) as activity_count,
    cast(coalesce(activities.call_count_30d, 0) as {{ type_double() }}) as call_count_30d,
    cast(coalesce(activities.email_count_30d, 0) as {{ type_double() }}) as email_count_30d,
    cast(coalesce(activities.meeting_count_30d, 0) as {{ type_double() }}) as meeting_count_30d,
    cast(coalesce(activities.inbound_count_30d, 0) as {{ type_double() }}) as inbound_count_30d,
    cast(
        {{ days_between('activities.last_activity_on', 'deals.as_of_date') }} as {{ type_double() }}
    ) as days_since_last_activity,
    cast(coalesce(activities.decision_maker_activity_count, 0) as {{ type_double() }}) as decision_maker_activity_count,
    cast(coalesce(activities.objection_handled_count, 0) as {{ type_double() }}) as objection_handled_count,
    cast(owners.open_deal_count as {{ type_double() }}) as owner_open_deal_count,
    cast(owners.closed_deal_count as {{ type_double() }}) as owner_closed_deal_count_365d,
    owners.shrunk_win_rate as owner_win_rate_365d,
    cast(
        case when deals.current_account_id is not null then coalesce(accounts.won_deal_count, 0) end
        as {{ type_double() }}
    ) as account_won_deal_count,
    cast(
        case
            when deals.current_account_id is not null
                then coalesce(accounts.closed_deal_count - accounts.won_deal_count, 0)
        end as {{ type_double() }}
    ) as account_lost_deal_count,
    {{ ratio('segments.won_deal_count', 'segments.closed_deal_count') }} as segment_win_rate_365d,
    cast(deals.employee_count as {{ type_double() }}) as employee_count,
    cast(deals.annual_revenue_amount as {{ type_double() }}) as annual_revenue_amount,
    dates.month_sin,
    dates.month_cos,
    cast(dates.days_to_quarter_end as {{ type_double() }}) as days_to_quarter_end
    {%- for attribute in attributes %},
    attributes.{{ attribute.column }}
    {%- endfor %}
from {{ ref('int_deals_as_of') }} as deals
inner join {{ ref('int_as_of_dates') }} as dates on deals.as_of_date = dates.as_of_date
left join {{ ref('int_deal_activities_counted') }} as activities
    on deals.deal_id = activities.deal_id and deals.as_of_date = activities.as_of_date
left join {{ ref('int_owner_records_combined') }} as owners
    on deals.owner_id = owners.owner_id and deals.as_of_date = owners.as_of_date
left join {{ ref('int_segment_outcomes_counted') }} as segments
    on deals.segment_id = segments.segment_id and deals.as_of_date = segments.as_of_date
left join {{ ref('int_account_outcomes_tallied') }} as accounts
    on deals.current_account_id = accounts.account_id and {{ valid_on('accounts', 'deals.as_of_date') }}
{%- if attributes %}
left join {{ ref('int_deal_attributes_pivoted') }} as attributes
    on deals.deal_id = attributes.deal_id and deals.as_of_date = attributes.as_of_date
{%- endif %}
