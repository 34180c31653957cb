-- Grain: one row per month: revenue of all currencies in the reporting currency.
-- What has no rate is in no sum, and counted.
select
    month_start_on,
    {{ reporting_currency() }} as reporting_currency_code,
    cast(coalesce(sum(recognised_reporting_amount), 0) as {{ type_money() }}) as recognised_reporting_amount,
    count(distinct coalesce(currency_code, '(none)')) filter (where recognised_reporting_amount is null)
        as unconverted_currency_count
from {{ ref('revenue_monthly') }}
group by month_start_on
