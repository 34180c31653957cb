-- Grain: one row per month, owner and segment, as they were when the deals were won.
-- A month without a win stands here only where the month before or the year before had one.
with won as (
    select
        dates.month_start_on,
        labels.owner_id,
        labels.segment_id,
        count(*) as won_deal_count,
        count(*) filter (where labels.won_amount_reporting is null) as won_without_amount_count,
        cast(coalesce(sum(labels.won_amount_reporting), 0) as {{ type_money() }}) as won_amount
    from {{ ref('lbl_deals') }} as labels
    inner join {{ ref('dim_date') }} as dates on labels.closed_on = dates.date_day
    where labels.is_won
    group by dates.month_start_on, labels.owner_id, labels.segment_id
),

months as (
    select distinct month_start_on, calendar_year, calendar_quarter, calendar_month, fiscal_year, fiscal_quarter
    from {{ ref('dim_date') }}
    where date_day = month_start_on
),

compared as (
    {%- for months_later, column in [(0, 'won'), (1, 'previous_month'), (12, 'previous_year')] %}
    select
        cast({{ dbt.dateadd('month', months_later, 'month_start_on') }} as date) as month_start_on,
        owner_id,
        segment_id,
        {%- for name in ['won', 'previous_month', 'previous_year'] %}
        cast({{ 'won_amount' if name == column else 'null' }} as {{ type_money() }}) as {{ name }}_amount,
        {%- endfor %}
        {{ 'won_deal_count' if column == 'won' else '0' }} as won_deal_count,
        {{ 'won_without_amount_count' if column == 'won' else '0' }} as won_without_amount_count
    from won
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

summed as (
    select
        month_start_on,
        owner_id,
        segment_id,
        sum(won_deal_count) as won_deal_count,
        sum(won_without_amount_count) as won_without_amount_count,
        {%- for name in ['won', 'previous_month', 'previous_year'] %}
        cast(coalesce(sum({{ name }}_amount), 0) as {{ type_money() }})
            as {{ name }}_amount {{- ',' if not loop.last }}
        {%- endfor %}
    from compared
    group by month_start_on, owner_id, segment_id
),

owners as (
    select deal_owners.owner_id, max(deal_owners.owner_name) as owner_name, max(deal_owners.team_path) as team_path
    from {{ ref('fct_deals') }} as deal_owners
    group by deal_owners.owner_id
)

select
    summed.month_start_on,
    summed.owner_id,
    owners.owner_name,
    owners.team_path,
    summed.segment_id,
    months.calendar_year,
    months.calendar_quarter,
    months.calendar_month,
    months.fiscal_year,
    months.fiscal_quarter,
    cast(summed.won_deal_count as bigint) as won_deal_count,
    cast(summed.won_without_amount_count as bigint) as won_without_amount_count,
    {{ reporting_currency() }} as reporting_currency_code,
    summed.won_amount,
    summed.previous_month_amount,
    cast(summed.won_amount - summed.previous_month_amount as {{ type_money() }}) as month_over_month_amount,
    {{ ratio('summed.won_amount - summed.previous_month_amount', 'summed.previous_month_amount') }}
        as month_over_month_rate,
    summed.previous_year_amount,
    cast(summed.won_amount - summed.previous_year_amount as {{ type_money() }}) as year_over_year_amount,
    {{ ratio('summed.won_amount - summed.previous_year_amount', 'summed.previous_year_amount') }}
        as year_over_year_rate
from summed
inner join months on summed.month_start_on = months.month_start_on
left join owners on summed.owner_id = owners.owner_id
where summed.month_start_on <= {{ as_of_date() }} or summed.won_deal_count > 0
