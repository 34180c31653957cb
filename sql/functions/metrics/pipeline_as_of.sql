-- Deals open at the end of any day, as known on that day: one that closed later is open. Amounts are converted at the
-- rate known on the day; without a rate reporting_amount is null. Days after the as-of date of the build repeat it.
-- Names of stages are those of the build.
create or replace function metrics.pipeline_as_of(p_as_of date)
returns table (
    deal_id text,
    stage_id text,
    stage_name text,
    stage_order double precision,
    forecast_category text,
    owner_id text,
    account_id text,
    segment_id text,
    expected_close_on date,
    currency_code text,
    amount numeric,
    reporting_amount numeric
)
language sql
stable
parallel safe
security invoker
set search_path = ''
as $$
select
    spans.deal_id,
    spans.stage_id,
    spans.stage_name,
    spans.stage_order,
    spans.forecast_category,
    spans.owner_id,
    spans.account_id,
    spans.segment_id,
    spans.expected_close_on,
    spans.currency_code,
    spans.amount,
    cast(cast(spans.amount as double precision) * rates.rate as numeric(18, 2))
from marts.pipeline_spans as spans
left join marts.known_exchange_rate_spans as rates
    on spans.currency_code = rates.currency_code
    and rates.valid_from_on <= p_as_of and p_as_of < rates.valid_to_on
where spans.valid_from_on <= p_as_of and p_as_of < spans.valid_to_on
$$;

comment on function metrics.pipeline_as_of(date)
is 'Deals open at the end of any day, as known on that day, in their own and in the reporting currency.';
