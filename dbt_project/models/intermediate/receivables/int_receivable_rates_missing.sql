-- Grain: one row per currency, day and use for which what is owed could not be converted.
-- Receivables need the rate of every month's end and of the as-of date, payables that of the as-of date.
with balances as (
    select 'receivables' as needed_for, currency_code, valid_from_on, valid_to_on
    from {{ ref('int_receivable_balances') }}
    union all
    select 'payables' as needed_for, currency_code, valid_from_on, valid_to_on
    from {{ ref('int_payable_balances') }}
    where valid_to_on > {{ as_of_date() }}
),

days as (
    select date_day, date_day = {{ as_of_date() }} as is_current
    from {{ ref('int_dates_spined') }}
    where date_day = {{ as_of_date() }} or (is_month_end and date_day < {{ as_of_date() }})
)

select
    coalesce(balances.currency_code, '(none)') as currency_code,
    days.date_day as needed_on,
    balances.needed_for,
    count(*) as balance_count
from balances
inner join days
    on balances.valid_from_on <= days.date_day and balances.valid_to_on > days.date_day
    and (balances.needed_for = 'receivables' or days.is_current)
left join {{ ref('int_exchange_rates_daily') }} as rates
    on balances.currency_code = rates.currency_code and days.date_day = rates.date_day
where rates.final_rate is null
group by coalesce(balances.currency_code, '(none)'), days.date_day, balances.needed_for
