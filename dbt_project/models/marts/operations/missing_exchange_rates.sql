-- Grain: one row per currency, day and use for which a rate to the reporting currency is missing.
select
    coalesce(currency_code, '(none)') as currency_code,
    {{ reporting_currency() }} as reporting_currency_code,
    needed_on,
    needed_for,
    deal_count
from {{ ref('int_exchange_rates_missing') }}
