-- Grain: one row per currency and day on which an amount could not be converted.
-- Open deals need the rate of every as-of date, won deals that of the day they closed.
select
    coalesce(currency_code, '(none)') as currency_code,
    as_of_date as needed_on,
    'open deals' as needed_for,
    count(*) as deal_count
from {{ ref('int_deals_as_of') }}
where amount is not null and amount_reporting is null
group by coalesce(currency_code, '(none)'), as_of_date

union all

select
    coalesce(currency_code, '(none)') as currency_code,
    closed_on as needed_on,
    'won deals' as needed_for,
    count(*) as deal_count
from {{ ref('int_deals_current') }}
where is_won and amount is not null and amount_reporting is null
group by coalesce(currency_code, '(none)'), closed_on
