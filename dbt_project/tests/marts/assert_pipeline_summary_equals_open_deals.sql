-- For every as-of date and currency the summary counts and adds up what was open.
with summary as (
    select
        as_of_date,
        currency_code,
        sum(deal_count) as deal_count,
        sum(deal_count - deal_without_amount_count) as priced_count,
        coalesce(sum(amount), 0) as amount,
        coalesce(sum(reporting_amount), 0) as reporting_amount
    from {{ ref('pipeline_summary') }}
    group by as_of_date, currency_code
),

open_deals as (
    select
        as_of_date,
        currency_code,
        count(*) as deal_count,
        count(amount) as priced_count,
        coalesce(sum(cast(amount as {{ type_money() }})), 0) as amount,
        coalesce(sum(cast(amount_reporting as {{ type_money() }})), 0) as reporting_amount
    from {{ ref('int_deals_as_of') }}
    group by as_of_date, currency_code
)

select
    coalesce(summary.as_of_date, open_deals.as_of_date) as as_of_date,
    coalesce(summary.currency_code, open_deals.currency_code) as currency_code,
    summary.deal_count,
    open_deals.deal_count as expected_deal_count,
    summary.amount,
    open_deals.amount as expected_amount
from summary
full outer join open_deals
    on
        summary.as_of_date = open_deals.as_of_date
        and coalesce(summary.currency_code, '') = coalesce(open_deals.currency_code, '')
where
    summary.deal_count is distinct from open_deals.deal_count
    or summary.priced_count is distinct from open_deals.priced_count
    or summary.amount is distinct from open_deals.amount
    or summary.reporting_amount is distinct from open_deals.reporting_amount
