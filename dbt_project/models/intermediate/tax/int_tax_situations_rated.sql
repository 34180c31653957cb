-- Grain: one row per country, region, class of products, kind of customer and day that a line has, with its rate.
-- Rates are chosen once per situation and not per line; situations that no rate covers are left out.
with situations as (
    select distinct country_code, region_code, tax_class, customer_kind, rated_on
    from {{ ref('int_tax_lines') }}
),

candidates as (
    select
        situations.*,
        rates.tax_rate_id,
        rates.tax_rate_name,
        rates.rate,
        rates.is_reverse_charge,
        row_number() over (
            partition by
                situations.country_code, situations.region_code, situations.tax_class, situations.customer_kind,
                situations.rated_on
            order by rates.specificity desc, rates.valid_from_on desc, rates.tax_rate_id
        ) as rate_number
    from situations
    inner join {{ ref('int_tax_rates_known') }} as rates
        on situations.country_code = rates.country_code
        and {{ valid_on('rates', 'situations.rated_on') }}
        and {{ tax_covers('rates', 'situations', ['region_code', 'tax_class', 'customer_kind']) }}
)

select
    country_code, region_code, tax_class, customer_kind, rated_on,
    tax_rate_id, tax_rate_name, rate, is_reverse_charge
from candidates
where rate_number = 1
