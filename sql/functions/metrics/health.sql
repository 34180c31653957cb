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
    v_has_deals boolean;
    v_has_orders boolean;
    v_has_plans boolean;
    v_has_installs boolean;
    v_has_invoices boolean;
begin
    select string_agg(needed.name, ', ' order by needed.name) into v_missing
    from unnest(array[
        'fct_deals', 'served_models', 'model_scorecard', 'missing_exchange_rates', 'import_issues',
        'unknown_names', 'revenue_forecast_monthly_total', 'customer_scores', 'order_revenue_monthly', 'install_scores',
        'invoice_scores', 'accounting_months', 'month_closings'
    ]) as needed (name)
    where to_regclass('marts.' || needed.name) is null;

    if v_missing is not null then
        return query values ('marts', 'fail', 'not built: ' || v_missing, 'Run: revlayer run');
        return;
    end if;

    -- Whatever was loaded tells the day: a company need not have deals.
    select greatest(
        (select max(deal.as_of_date) from marts.fct_deals as deal),
        (select max(customer.as_of_date) from marts.customer_scores as customer),
        (select max(install.as_of_date) from marts.install_scores as install),
        (select max(invoice.as_of_date) from marts.invoice_scores as invoice),
        (select max(accounting.as_of_date) from marts.accounting_months as accounting)
    ) into v_as_of_date;
    v_has_deals := exists (select from marts.fct_deals);
    v_has_orders := exists (select from marts.order_revenue_monthly);
    v_has_plans := exists (select from marts.customer_scores as customer where customer.plan_value_amount > 0);
    v_has_installs := exists (select from marts.install_scores);
    v_has_invoices := exists (select from marts.invoice_scores);

    return query
    select
        'marts', case when v_as_of_date is null then 'warn' else 'ok' end,
        coalesce(
            'built as of ' || v_as_of_date || case when v_has_deals then '' else ', without deals' end,
            'built, without any data'
        ),
        case when v_as_of_date is null then 'Load data (revlayer import or your loader), then: revlayer run' end;

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
        coalesce('published as of ' || served.as_of_date || ' by ' || served.model_version, wanted.without),
        case
            when served.as_of_date is null
                then 'revlayer train ' || wanted.target || ' says why none serves; with more history: revlayer run'
            when served.as_of_date <> v_as_of_date
                then 'The marts are as of ' || v_as_of_date || '. Run: revlayer run'
            when served.champion_version <> served.model_version
                then served.champion_version || ' serves now. Run: revlayer score, then revlayer build marts'
            when served.trained_through_on > served.as_of_date
                then 'The model was trained through ' || served.trained_through_on
                    || ', so it saw what came after this date: fine for serving, no evidence of quality'
        end
    from (
        values
        ('deal_win', v_has_deals, 'none published, the forecast uses a fallback'),
        ('deal_value', v_has_deals, 'none published, the forecast uses a fallback'),
        ('deal_close_month', v_has_deals, 'none published, the forecast uses a fallback'),
        ('customer_churn', v_has_plans or v_has_orders, 'none published, next actions save nobody'),
        ('customer_value', v_has_orders, 'none published, what customers will buy is not known'),
        ('customer_expansion', v_has_plans, 'none published, next actions expand nobody'),
        ('install_revenue', v_has_installs, 'none published, what installs will pay is not known'),
        ('invoice_late', v_has_invoices, 'none published, cash is forecast by due dates')
    ) as wanted (target, is_wanted, without)
    left join marts.served_models as served on wanted.target = served.target
    -- What is published must not go stale unseen either.
    where wanted.is_wanted or served.as_of_date is not null;

    return query
    select
        'model ' || served.target,
        case when served.rung = 'model' then 'ok' else 'warn' end,
        'served by rung ' || served.rung || ' (' || served.algorithm || ')',
        case
            when served.rung = 'model' then null
            -- A model that was fitted and turned down has its figures beside those of what serves.
            when exists (
                select
                from marts.model_scorecard as scorecard
                where scorecard.model_version = served.model_version and scorecard.predictor = 'rejected_model'
            ) then 'No model beat the baseline on later data: see rejected_model in marts.model_scorecard'
            -- Targets of customers have a report on the data they would learn from.
            when served.target like 'customer\_%' then 'The history is too short for a model: revlayer train '
                || served.target || ' --check says what it has; with more: revlayer run --retrain'
            else 'The history is too short for a model; with more: revlayer run --retrain'
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

    -- The closings are read as they are now, the months as the marts were built.
    return query
    select
        'closed months', 'warn',
        string_agg(
            to_char(closing.month_start_on, 'YYYY-MM')
            || case when closing.is_reopened then ' was reopened' else ' was closed' end,
            ', ' order by closing.month_start_on, closing.closing_id
        ) || ' after the marts were built: tables as_reported do not show it',
        'Run: revlayer build marts'
    from marts.month_closings as closing
    where
        closing.is_reopened = exists (
            select from marts.accounting_months as accounting where accounting.closing_id = closing.closing_id
        )
        -- Of marts of an earlier day the closing is no part.
        and (
            closing.is_reopened
            or closing.as_of_date <= (select max(accounting.as_of_date) from marts.accounting_months as accounting)
        )
    having count(*) > 0;

    return query
    select
        'forecast',
        case
            when not v_has_deals then 'ok'
            when max(forecast.as_of_date) is null then 'fail'
            when max(forecast.as_of_date) <> v_as_of_date then 'warn'
            when bool_or(forecast.model_version like '%fallback%') then 'warn'
            when bool_or(forecast.mean_amount is null) then 'warn'
            else 'ok'
        end,
        coalesce(
            case when not v_has_deals then 'no deals, so there is none' end,
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
            when not v_has_deals then null
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
        (select count(distinct (rate.currency_code, rate.needed_on)) from marts.missing_exchange_rates as rate)
            || ' rates are missing'
            || coalesce(
                ': ' || string_agg(
                    missing.needed_for || ' (' || missing.row_count || ' rows, ' || missing.rate_count || ' rates)',
                    ', ' order by missing.needed_for
                ),
                ''
            ),
        case
            when count(*) > 0
                then 'Amounts that wait for them are null and in no total. Load the rates in '
                    || 'marts.missing_exchange_rates into raw.exchange_rates, then: revlayer run'
        end
    from (
        select rate.needed_for, count(*) as rate_count, sum(rate.row_count) as row_count
        from marts.missing_exchange_rates as rate
        group by rate.needed_for
    ) as missing;

    return query
    select
        'names', 'warn',
        string_agg(
            format('%s %s (%s %s)', listed.name_kind, listed.name, listed.row_count, listed.used_in), ', '
            order by listed.place
        ) filter (where listed.place <= 10) || case when count(*) > 10 then ', …' else '' end,
        'The data do not know them, and nothing counts for them. Enter these again with a name of marts.known_names, '
            || 'and 0 for the wrong one; all of them: marts.unknown_names'
    from (
        select *, row_number() over (order by used_in desc, name_kind, name) as place from marts.unknown_names
    ) as listed
    having count(*) > 0;

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
