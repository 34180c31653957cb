-- What was billed and not earned, and earned and not billed, on a day, by customer and currency, as known when the
-- marts were built: from spans within which a line is earned evenly. A day after the build shows the schedule.
create or replace function metrics.deferred_revenue(p_as_of date)
returns table (
    customer_id text,
    customer_name text,
    currency_code text,
    billed_amount numeric,
    recognised_amount numeric,
    deferred_amount numeric,
    unbilled_amount numeric,
    deferred_line_count bigint
)
language sql
stable
parallel safe
security invoker
set search_path = ''
as $$
with lines as (
    select
        spans.*,
        -- As the marts round: what divisions left behind the tenth digit must not decide about a half cent.
        round(round(
            spans.unearned_from_amount
            + (spans.unearned_to_amount - spans.unearned_from_amount)
            * (p_as_of - spans.valid_from_on + 1) / (spans.valid_to_on - spans.valid_from_on), 8
        ), 2) as unearned_amount
    from marts.revenue_spans as spans
    where spans.valid_from_on <= p_as_of and p_as_of < spans.valid_to_on
)

select
    customer_id,
    max(customer_name),
    currency_code,
    coalesce(sum(consideration_amount) filter (where is_billed), 0),
    sum(consideration_amount - unearned_amount),
    coalesce(sum(unearned_amount) filter (where is_billed), 0),
    coalesce(sum(consideration_amount - unearned_amount) filter (where not is_billed), 0),
    count(*) filter (where is_billed and unearned_amount <> 0)
from lines
group by customer_id, currency_code
order by 6 desc, customer_id, currency_code
$$;

comment on function metrics.deferred_revenue(date)
is 'Deferred and unbilled revenue on any day by customer and currency: recognised + deferred - unbilled = billed.';
