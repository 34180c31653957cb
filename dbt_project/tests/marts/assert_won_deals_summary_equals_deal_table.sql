-- Won deals and their amounts are those of the deal table, whatever month they were won in.
with summary as (
    select
        coalesce(sum(won_deal_count), 0) as deal_count,
        coalesce(sum(won_amount), 0) as amount
    from {{ ref('won_deals_summary') }}
),

deals as (
    select
        count(*) as deal_count,
        coalesce(sum(reporting_amount), 0) as amount
    from {{ ref('fct_deals') }}
    where is_won
)

select
    summary.deal_count,
    deals.deal_count as expected_deal_count,
    summary.amount,
    deals.amount as expected_amount
from summary
cross join deals
where summary.deal_count <> deals.deal_count or summary.amount <> deals.amount
