-- Grain: one row per age class of overdue amounts: how much of what reached it stayed unpaid, and what is taken for it.
{%- set prior_count = var('collect_prior_count') | float %}
with classes as (
    {{ collection_class_rows() | indent(4) }}
),

followed as (
    select
        invoices.age_class,
        {{ to_reporting('invoices.reached_amount', 'rates.known_rate') }} as reached_amount,
        {{ to_reporting('invoices.credited_amount', 'rates.known_rate') }} as credited_amount,
        {{ to_reporting('invoices.unpaid_amount', 'rates.known_rate') }} as unpaid_amount
    from {{ ref('int_overdue_invoices_followed') }} as invoices
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on invoices.currency_code = rates.currency_code and rates.date_day = {{ as_of_date() }}
),

summed as (
    select
        age_class,
        count(*) filter (where reached_amount > credited_amount) as invoice_count,
        count(*) filter (where reached_amount is null) as without_rate_count,
        coalesce(sum(reached_amount - credited_amount), 0) as claimed_amount,
        coalesce(sum(unpaid_amount), 0) as unpaid_amount
    from followed
    group by age_class
),

measured as (
    select
        classes.*,
        cast(coalesce(summed.invoice_count, 0) as bigint) as invoice_count,
        cast(coalesce(summed.without_rate_count, 0) as bigint) as without_rate_count,
        coalesce(summed.claimed_amount, 0) as claimed_amount,
        coalesce(summed.unpaid_amount, 0) as unpaid_amount,
        -- Cents that rounding to the reporting currency leaves must not make more than all of it.
        case
            when summed.claimed_amount > 0
                then least({{ ratio('summed.unpaid_amount', 'summed.claimed_amount') }}, 1)
        end as observed_unpaid_rate
    from classes
    left join summed on classes.age_class = summed.age_class
)

select
    {{ as_of_date() }} as as_of_date,
    age_class,
    from_days,
    to_days,
    {{ reporting_currency() }} as reporting_currency_code,
    invoice_count,
    without_rate_count,
    cast(claimed_amount as {{ type_money() }}) as claimed_amount,
    cast(unpaid_amount as {{ type_money() }}) as unpaid_amount,
    observed_unpaid_rate,
    prior_unpaid_rate,
    cast({{ prior_count }} as {{ type_double() }}) as prior_count,
    coalesce(
        {{ ratio(
            'observed_unpaid_rate * invoice_count + prior_unpaid_rate * ' ~ prior_count, 'invoice_count + ' ~ prior_count
        ) }},
        prior_unpaid_rate
    ) as unpaid_rate
from measured
