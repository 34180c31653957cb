-- What is missing or stale, and what to do about it. Reads marts only and no clock: "stale" compares the
-- as-of dates of marts, predictions and forecast with each other. plpgsql, so that it also answers
-- in a database whose marts were never built.
create or replace function metrics.health()
returns table (
    check_name text,
    status text,
    detail text,
    what_to_do text
)
language plpgsql
stable
parallel safe
security invoker
set search_path = ''
as $$
declare
    v_missing text;
    v_as_of_date date;
begin
    select string_agg(needed.name, ', ' order by needed.name) into v_missing
    from unnest(array[
        'fct_deals', 'served_models', 'missing_exchange_rates', 'import_issues',
        'revenue_forecast_monthly_total'
    ]) as needed (name)
    where to_regclass('marts.' || needed.name) is null;

    if v_missing is not null then
        return query values ('marts', 'fail', 'not built: ' || v_missing, 'Run: revlayer run');
        return;
    end if;

    select max(deal.as_of_date) into v_as_of_date from marts.fct_deals as deal;

    return query
    select
        'marts', case when v_as_of_date is null then 'warn' else 'ok' end,
        coalesce('built as of ' || v_as_of_date, 'built, without any deal'),
        case
            when v_as_of_date is null
                then 'Load deals (revlayer import or your loader), then: revlayer run'
        end;

    return query
    select
        'predictions ' || wanted.target,
        case
            -- Too little history is no failure: the forecast then uses its fallbacks.
            when served.as_of_date is null or served.as_of_date <> v_as_of_date then 'warn'
            when served.champion_version <> served.model_version then 'warn'
            when served.trained_through_on > served.as_of_date then 'warn'
            else 'ok'
        end,
        coalesce(
            'published as of ' || served.as_of_date || ' by ' || served.model_version,
            'none published, the forecast uses a fallback'
        ),
        case
            when served.as_of_date is null then 'revlayer train says why none serves; with more history: revlayer run'
            when served.as_of_date <> v_as_of_date
                then 'The marts are as of ' || v_as_of_date || '. Run: revlayer run'
            when served.champion_version <> served.model_version
                then served.champion_version || ' serves now. Run: revlayer score, then revlayer build marts'
            when served.trained_through_on > served.as_of_date
                then 'The model was trained through ' || served.trained_through_on
                    || ', so it saw what came after this date: fine for serving, no evidence of quality'
        end
    from unnest(array['deal_win', 'deal_value', 'deal_close_month']) as wanted (target)
    left join marts.served_models as served on wanted.target = served.target;

    return query
    select
        'model ' || served.target,
        case when served.rung = 'model' then 'ok' else 'warn' end,
        'served by rung ' || served.rung || ' (' || served.algorithm || ')',
        case
            when served.rung <> 'model'
                then 'No model beat the baseline on later data: see marts.model_scorecard'
        end
    from marts.served_models as served
    where served.model_version is not null and served.rung is not null
    order by served.target;

    return query
    select
        'function ' || served.target,
        case when served.function_version = served.champion_version then 'ok' else 'warn' end,
        'scoring.predict_' || served.target || ' holds ' || served.function_version,
        case
            when served.function_version <> served.champion_version
                then served.champion_version || ' serves now. Run: revlayer models install ' || served.target
                    || ' --engine ' || served.function_engine
        end
    from marts.served_models as served
    where served.function_version is not null
    order by served.target;

    -- The catalogue is read: a function may have come, and the view gone, after the marts were built.
    if to_regclass('marts.live_deal_scores') is null and exists (
        select
        from pg_catalog.pg_proc as installed
        inner join pg_catalog.pg_namespace as owning on installed.pronamespace = owning.oid
        where owning.nspname = 'scoring' and installed.proname = 'predict_deal_win'
    ) then
        return query values (
            'live view', 'warn', 'marts.live_deal_scores is missing, though scoring.predict_deal_win is installed',
            'Run: revlayer build marts'
        );
    end if;

    return query
    select
        'certificate ' || served.target, 'warn',
        served.model_version || ' has none, or engines score it differently',
        'Run: revlayer models certify ' || served.model_version
    from marts.served_models as served
    where served.rung is not null and not served.is_certified
    order by served.target;

    return query
    select
        'forecast',
        case
            when max(forecast.as_of_date) is null and v_as_of_date is not null then 'fail'
            when max(forecast.as_of_date) is null or max(forecast.as_of_date) <> v_as_of_date then 'warn'
            when bool_or(forecast.model_version like '%fallback%') then 'warn'
            when bool_or(forecast.mean_amount is null) then 'warn'
            else 'ok'
        end,
        coalesce(
            case
                when bool_and(forecast.mean_amount is null) then 'stage-weighted only, as of '
                when bool_and(forecast.model_version not like '%fallback%')
                    then count(*) filter (where forecast.mean_amount is not null) || ' months by model, as of '
                else count(*) filter (where forecast.mean_amount is not null)
                    || ' months, with fallbacks where no model serves, as of '
            end || max(forecast.as_of_date),
            'no months'
        ),
        case
            when bool_or(forecast.mean_amount is null) or max(forecast.as_of_date) is null
                or max(forecast.as_of_date) <> v_as_of_date
                then 'Run: revlayer run'
            when bool_or(forecast.model_version like '%fallback%')
                then 'revlayer train says why no model serves; see marts.served_models'
        end
    from marts.revenue_forecast_monthly_total as forecast;

    return query
    select
        'exchange rates',
        case when count(*) = 0 then 'ok' else 'warn' end,
        count(*) || ' rates are missing, for ' || coalesce(sum(missing.deal_count), 0) || ' deals',
        case
            when count(*) > 0
                then 'Load the rates in marts.missing_exchange_rates into raw.exchange_rates, then: revlayer run'
        end
    from marts.missing_exchange_rates as missing;

    return query
    select
        checked.name,
        case when checked.found = 0 then 'ok' else 'warn' end,
        checked.found || ' of ' || checked.total || ' deals',
        case when checked.found > 0 then checked.advice end
    from (
        select
            count(*) as all_deals,
            count(*) filter (where deal.account_id is null) as without_account,
            count(*) filter (where deal.is_open) as open_deals,
            count(*) filter (where deal.is_open and deal.amount is null) as open_without_amount
        from marts.fct_deals as deal
    ) as counted
    cross join lateral (
        values
        (
            'deals without account', counted.without_account, counted.all_deals,
            'They count as segment Unknown: fill the account in the source'
        ),
        (
            'open deals without amount', counted.open_without_amount, counted.open_deals,
            'The forecast uses list price or a prior for them: see amount_source in marts.deal_scores'
        )
    ) as checked (name, found, total, advice);

    return query
    select
        'imports',
        case when count(*) = 0 then 'ok' else 'warn' end,
        coalesce(sum(issue.rejected_count), 0) || ' rejected rows, '
            || count(distinct issue.import_id) || ' imports with issues',
        case when count(*) > 0 then 'See marts.import_issues; correct file or mapping and import again' end
    from marts.import_issues as issue
    where issue.is_latest;
end
$$;

comment on function metrics.health()
is 'What is missing or stale in this database, and what to do: status is ok, warn or fail.';

-- A view over a function hangs on no dbt relation, so builds leave it standing.
create or replace view metrics.health as
select
    check_name,
    status,
    detail,
    what_to_do
from metrics.health();

comment on view metrics.health
is 'What is missing or stale in this database, and what to do: status is ok, warn or fail.';
