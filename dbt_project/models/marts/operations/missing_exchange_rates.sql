-- Grain: one row per currency, day and use for which a rate to the reporting currency is missing.
with needed as (
    select currency_code, needed_on, needed_for, deal_count, deal_count as row_count
    from {{ ref('int_exchange_rates_missing') }}
    union all
    select currency_code, needed_on, needed_for, 0 as deal_count, balance_count as row_count
    from {{ ref('int_receivable_rates_missing') }}
    union all
    select currency_code, needed_on, 'customers' as needed_for, 0 as deal_count, row_count
    from {{ ref('int_customer_rates_missing') }}
    union all
    select currency_code, needed_on, 'installs' as needed_for, 0 as deal_count, row_count
    from {{ ref('int_install_rates_missing') }}
    union all
    select
        currency_code,
        {{ as_of_date() }} as needed_on,
        'targets' as needed_for,
        0 as deal_count,
        count(*) as row_count
    from ({{ converted_targets() }}) as targets
    where target_amount is null
    group by currency_code
    union all
    select
        currency_code,
        {{ as_of_date() }} as needed_on,
        'submissions' as needed_for,
        0 as deal_count,
        count(*) as row_count
    from {{ ref('forecast_submissions') }}
    where is_latest and reporting_amount is null
    group by currency_code
    union all
    -- The mean rate of a month needs that of every day; rates hold on, so it is the first days that lack one.
    select
        coalesce(currency_code, '(none)') as currency_code,
        month_start_on as needed_on,
        'revenue' as needed_for,
        0 as deal_count,
        sum(line_count) as row_count
    from {{ ref('revenue_monthly') }}
    where recognised_reporting_amount is null
    group by coalesce(currency_code, '(none)'), month_start_on
    union all
    select
        currency_code,
        month_end_on as needed_on,
        'recurring revenue' as needed_for,
        0 as deal_count,
        count(*) as row_count
    from {{ ref('fct_mrr_monthly') }}
    where mrr_reporting_amount is null or committed_mrr_reporting_amount is null
    group by currency_code, month_end_on
)

select
    currency_code,
    {{ reporting_currency() }} as reporting_currency_code,
    needed_on,
    needed_for,
    cast(deal_count as bigint) as deal_count,
    cast(row_count as bigint) as row_count
from needed
