-- At the as-of date: weighted and unweighted amounts of the summary are those of the deal table.
with summary as (
    select
        currency_code,
        sum(deal_count) as deal_count,
        coalesce(sum(amount), 0) as amount,
        coalesce(sum(weighted_amount), 0) as weighted_amount,
        coalesce(sum(unweighted_amount), 0) as unweighted_amount
    from {{ ref('pipeline_summary') }}
    where as_of_date = {{ as_of_date() }}
    group by currency_code
),

deals as (
    select
        currency_code,
        count(*) as deal_count,
        coalesce(sum(amount), 0) as amount,
        coalesce(sum(cast(
            cast(amount as {{ type_double() }}) * stage_crm_probability as {{ type_money() }}
        )), 0) as weighted_amount,
        coalesce(sum(amount) filter (where stage_crm_probability is not null), 0) as amount_with_probability
    from {{ ref('fct_deals') }}
    where is_open
    group by currency_code
)

select
    coalesce(summary.currency_code, deals.currency_code) as currency_code,
    summary.deal_count,
    deals.deal_count as expected_deal_count,
    summary.weighted_amount,
    deals.weighted_amount as expected_weighted_amount
from summary
full outer join deals on coalesce(summary.currency_code, '') = coalesce(deals.currency_code, '')
where
    summary.deal_count is distinct from deals.deal_count
    or summary.amount is distinct from deals.amount
    or summary.weighted_amount is distinct from deals.weighted_amount
    or summary.unweighted_amount + deals.amount_with_probability is distinct from deals.amount
