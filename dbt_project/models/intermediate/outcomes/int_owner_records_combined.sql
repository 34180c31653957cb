-- Grain: one row per owner and as-of date with open deals.
{%- set prior_count = var('owner_win_rate_prior_count') | float %}
with opened as (
    select owner_id, as_of_date, count(*) as open_deal_count
    from {{ ref('int_deals_as_of') }}
    where owner_id is not null
    group by owner_id, as_of_date
),

company as (
    select as_of_date, {{ ratio('won_deal_count', 'closed_deal_count') }} as win_rate
    from {{ ref('int_company_outcomes_counted') }}
),

final as (
    select
        opened.owner_id,
        opened.as_of_date,
        opened.open_deal_count,
        company.win_rate as company_win_rate,
        coalesce(closed.closed_deal_count, 0) as closed_deal_count,
        coalesce(closed.won_deal_count, 0) as won_deal_count
    from opened
    left join {{ ref('int_owner_outcomes_counted') }} as closed
        on opened.owner_id = closed.owner_id and opened.as_of_date = closed.as_of_date
    left join company on opened.as_of_date = company.as_of_date
)

select
    owner_id,
    as_of_date,
    open_deal_count,
    closed_deal_count,
    -- Few closings say little: the owner's rate is drawn towards the company's.
    {{ ratio(
        'won_deal_count + ' ~ prior_count ~ ' * company_win_rate', 'closed_deal_count + ' ~ prior_count
    ) }} as shrunk_win_rate
from final
