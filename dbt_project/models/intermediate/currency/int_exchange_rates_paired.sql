-- Grain: one row per currency and published rate to the reporting currency.
-- A rate from the reporting currency is turned round; a direct rate of the same day ranks above it.
with paired as (
    select
        from_currency_code as currency_code,
        rate,
        rate_on,
        known_at,
        known_on,
        deleted_on,
        exchange_rate_id,
        1 as is_direct
    from {{ ref('stg_crm__exchange_rates') }}
    where to_currency_code = {{ reporting_currency() }}
        and from_currency_code <> {{ reporting_currency() }}

    union all

    select
        to_currency_code as currency_code,
        {{ ratio(1, 'rate') }} as rate,
        rate_on,
        known_at,
        known_on,
        deleted_on,
        exchange_rate_id,
        0 as is_direct
    from {{ ref('stg_crm__exchange_rates') }}
    where from_currency_code = {{ reporting_currency() }}
        and to_currency_code <> {{ reporting_currency() }}
)

select
    currency_code,
    cast(rate as {{ type_double() }}) as rate,
    rate_on,
    known_on,
    deleted_on,
    row_number() over (
        order by currency_code, rate_on, is_direct, known_at, exchange_rate_id
    ) as rate_rank
from paired
where known_on <= {{ as_of_date() }}
