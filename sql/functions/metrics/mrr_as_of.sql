-- Recurring revenue on any day by customer and currency, as known when the marts were built. It is measured at the end
-- of the day and converted item by item at the rate of the day, as fct_mrr_monthly is at the end of a month; without a
-- rate the reporting amounts are null. Days after the as-of date repeat what ran on it, at its rate.
create or replace function metrics.mrr_as_of(p_as_of date)
returns table (
    customer_id text,
    currency_code text,
    mrr_amount numeric,
    arr_amount numeric,
    mrr_reporting_amount numeric,
    arr_reporting_amount numeric
)
language sql
stable
parallel safe
security invoker
set search_path = ''
as $$
select
    spans.customer_id,
    spans.currency_code,
    sum(spans.mrr_amount),
    sum(spans.arr_amount),
    sum(round(spans.mrr_amount * rates.rate, 2)),
    sum(round(spans.arr_amount * rates.rate, 2))
from marts.mrr_spans as spans
left join marts.exchange_rate_spans as rates
    on spans.currency_code = rates.currency_code
    and rates.valid_from_on <= p_as_of and p_as_of < rates.valid_to_on
where spans.valid_from_on <= p_as_of and p_as_of < spans.valid_to_on
group by spans.customer_id, spans.currency_code
$$;

comment on function metrics.mrr_as_of(date)
is 'Recurring revenue on any day by customer and currency, in its own and in the reporting currency.';
