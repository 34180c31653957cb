-- How the open pipeline at the end of one day became that at the end of another: opening, changes by cause, closing, by
-- currency, owner and segment. Every event has one cause; opening + changes = closing in each currency and in the
-- reporting currency, to the cent, over any grouping of the rows.
-- With p_window_from or p_window_to only deals expected to close in these days (both included) are in the pipeline, and
-- a change of close date pulls them in or pushes them out; with neither, all are, and such changes only count.
-- Reporting amounts: the opening at the rate known on p_from, all else at that of p_to; fx is the opening amount × the
-- change of rate, deal by deal. Without a rate an amount counts as 0: rate_missing is what comes or goes thereby.
create or replace function metrics.pipeline_change(
    p_from date,
    p_to date,
    p_window_from date default null,
    p_window_to date default null
)
returns table (
    place integer,
    cause text,
    currency_code text,
    owner_id text,
    segment_id text,
    event_count bigint,
    deal_count bigint,
    deal_without_rate_count bigint,
    amount numeric,
    reporting_amount numeric
)
language plpgsql
stable
parallel safe
security invoker
set search_path = ''
as $$
begin
    if p_from is null or p_to is null or p_from > p_to then
        raise exception 'the pipeline changes from an earlier day to a later one, not from % to %',
            coalesce(p_from::text, 'null'), coalesce(p_to::text, 'null')
            using errcode = 'invalid_parameter_value', hint = 'Give the earlier day first.';
    end if;
    if p_window_from > p_window_to then
        raise exception 'the window of close dates ends (%) before it begins (%)', p_window_to, p_window_from
            using errcode = 'invalid_parameter_value', hint = 'Give its first day, then its last.';
    end if;
    return query
    with causes as (
        select causes.cause, causes.place::integer
        from unnest(array[
            'opening', 'created', 'pulled_in', 'pushed_out', 'increased', 'decreased', 'won', 'lost', 'reopened',
            'deleted', 'restored', 'merged', 'owner_moved', 'segment_moved', 'currency_moved', 'fx', 'rate_missing',
            'closing'
        ]) with ordinality as causes (cause, place)
    ),

    rates as (
        select
            known.currency_code,
            max(known.rate) filter (where known.valid_from_on <= p_from and p_from < known.valid_to_on) as opening_rate,
            max(known.rate) filter (where known.valid_from_on <= p_to and p_to < known.valid_to_on) as closing_rate
        from marts.known_exchange_rate_spans as known
        group by known.currency_code
    ),

    balances as (
        select
            days.cause,
            spans.currency_code,
            spans.owner_id,
            spans.segment_id,
            spans.amount,
            cast(cast(spans.amount as double precision) * rates.opening_rate as numeric(18, 2)) as at_opening,
            cast(cast(spans.amount as double precision) * rates.closing_rate as numeric(18, 2)) as at_closing
        from (values ('opening', p_from), ('closing', p_to)) as days (cause, on_day)
        inner join marts.pipeline_spans as spans
            on spans.valid_from_on <= days.on_day and days.on_day < spans.valid_to_on
        left join rates on spans.currency_code = rates.currency_code
        where coalesce(spans.expected_close_on >= p_window_from, p_window_from is null)
            and coalesce(spans.expected_close_on <= p_window_to, p_window_to is null)
    ),

    windowed as (
        select
            changes.*,
            changes.was_open
            and coalesce(changes.previous_expected_close_on >= p_window_from, p_window_from is null)
            and coalesce(changes.previous_expected_close_on <= p_window_to, p_window_to is null) as was_in,
            changes.is_open
            and coalesce(changes.expected_close_on >= p_window_from, p_window_from is null)
            and coalesce(changes.expected_close_on <= p_window_to, p_window_to is null) as is_in
        from marts.fct_pipeline_changes as changes
        where changes.changed_on > p_from and changes.changed_on <= p_to
    ),

    -- An event takes a deal as it was out of the pipeline, and puts it back as it is.
    legs as (
        select
            case
                when windowed.cause not in ('pulled_in', 'pushed_out') or windowed.was_in = windowed.is_in
                    then windowed.cause
                when windowed.is_in then 'pulled_in'
                else 'pushed_out'
            end as cause,
            leg.currency_code,
            leg.owner_id,
            leg.segment_id,
            leg.sign = 1 or not windowed.is_in as is_counted,
            leg.sign,
            leg.sign * leg.amount as amount,
            leg.sign * cast(cast(leg.amount as double precision) * rates.closing_rate as numeric(18, 2))
                as reporting_amount
        from windowed
        cross join lateral (
            values
                (-1, windowed.was_in, windowed.previous_currency_code, windowed.previous_owner_id,
                    windowed.previous_segment_id, windowed.previous_amount),
                (1, windowed.is_in, windowed.currency_code, windowed.owner_id, windowed.segment_id, windowed.amount)
        ) as leg (sign, is_taken, currency_code, owner_id, segment_id, amount)
        left join rates on leg.currency_code = rates.currency_code
        where leg.is_taken
            and (
                windowed.cause not in ('pulled_in', 'pushed_out') or windowed.was_in <> windowed.is_in
                or (p_window_from is null and p_window_to is null)
            )
    ),

    parts as (
        select
            balances.cause,
            balances.currency_code,
            balances.owner_id,
            balances.segment_id,
            0 as events,
            1 as deals,
            case
                when balances.amount is null then 0
                when balances.cause = 'opening' and balances.at_opening is null then 1
                when balances.cause = 'closing' and balances.at_closing is null then 1
                else 0
            end as without_rate,
            balances.amount,
            case when balances.cause = 'opening' then balances.at_opening else balances.at_closing end
                as reporting_amount
        from balances
        union all
        select
            case
                when balances.at_opening is null or balances.at_closing is null then 'rate_missing'
                else 'fx'
            end,
            balances.currency_code, balances.owner_id, balances.segment_id, 0, 0, 0, 0,
            coalesce(balances.at_closing, 0) - coalesce(balances.at_opening, 0)
        from balances
        where balances.cause = 'opening' and balances.at_closing is distinct from balances.at_opening
        union all
        select
            legs.cause, legs.currency_code, legs.owner_id, legs.segment_id, legs.is_counted::integer, legs.sign, 0,
            legs.amount, legs.reporting_amount
        from legs
    )

    select
        causes.place,
        parts.cause,
        parts.currency_code,
        parts.owner_id,
        parts.segment_id,
        sum(parts.events),
        sum(parts.deals),
        sum(parts.without_rate),
        coalesce(sum(parts.amount), 0),
        coalesce(sum(parts.reporting_amount), 0)
    from parts
    inner join causes on parts.cause = causes.cause
    group by causes.place, parts.cause, parts.currency_code, parts.owner_id, parts.segment_id
    order by causes.place, parts.currency_code, parts.owner_id, parts.segment_id;
end
$$;

comment on function metrics.pipeline_change(date, date, date, date)
is 'Opening pipeline, its changes by cause and closing pipeline between two days, within a window of close dates.';
