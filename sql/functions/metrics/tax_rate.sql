-- The tax rate of a sale and the rule that gives it, as known when the marts were built. Rules, the first that holds:
-- exempt: an exemption of the customer covers the sale; rate 0.
-- reverse_charge: the narrowest rate leaves the tax to the buyer, a business; rate 0, and the rate the buyer owes.
-- rate: the narrowest rate of the country: a region before its country, then a class, then a kind of customer.
-- none: no rate is known; the rate is null. A customer of unknown kind is a consumer.
create or replace function metrics.tax_rate(
    p_country_code text,
    p_on date,
    p_region_code text default null,
    p_tax_class text default null,
    p_customer_kind text default null,
    p_customer_id text default null
)
returns table (
    rate double precision,
    rule text,
    tax_rate_id text,
    tax_rate_name text,
    reverse_charge_rate double precision,
    tax_exemption_id text
)
language sql
stable
parallel safe
security invoker
set search_path = ''
as $$
with asked as (
    select
        upper(p_country_code) as country_code,
        upper(p_region_code) as region_code,
        coalesce(p_customer_kind, 'consumer') as customer_kind
),

exemption as (
    select exemptions.tax_exemption_id
    from marts.tax_exemptions as exemptions
    cross join asked
    where exemptions.customer_id = p_customer_id
        and p_on >= exemptions.valid_from_on and p_on < exemptions.valid_to_on
        and (exemptions.country_code is null or exemptions.country_code = asked.country_code)
        and (exemptions.region_code is null or exemptions.region_code = asked.region_code)
        and (exemptions.tax_class is null or exemptions.tax_class = p_tax_class)
    order by exemptions.specificity desc, exemptions.valid_from_on desc, exemptions.tax_exemption_id
    limit 1
),

narrowest as (
    select
        rates.*,
        rates.is_reverse_charge and asked.customer_kind = 'business' as is_left_to_buyer
    from marts.tax_rates as rates
    cross join asked
    where rates.country_code = asked.country_code
        and p_on >= rates.valid_from_on and p_on < rates.valid_to_on
        and (rates.region_code is null or rates.region_code = asked.region_code)
        and (rates.tax_class is null or rates.tax_class = p_tax_class)
        and (rates.customer_kind is null or rates.customer_kind = asked.customer_kind)
        and not exists (select 1 from exemption)
    order by rates.specificity desc, rates.valid_from_on desc, rates.tax_rate_id
    limit 1
)

select
    case
        when exemption.tax_exemption_id is not null or narrowest.is_left_to_buyer then 0
        else narrowest.rate
    end,
    case
        when exemption.tax_exemption_id is not null then 'exempt'
        when narrowest.tax_rate_id is null then 'none'
        when narrowest.is_left_to_buyer then 'reverse_charge'
        else 'rate'
    end,
    narrowest.tax_rate_id,
    narrowest.tax_rate_name,
    case when narrowest.is_left_to_buyer then narrowest.rate end,
    exemption.tax_exemption_id
from asked
left join narrowest on true
left join exemption on true
$$;

comment on function metrics.tax_rate(text, date, text, text, text, text)
is 'Tax rate of a sale on a day and the rule that gives it: exempt, rate, reverse_charge, or none with a null rate.';
