-- Grain: one row per flow, month and billing period: what the chain from deals to cash starts from at the as-of date.
-- Amounts are in the reporting currency at the rate known on the date; what has no rate is left out.
with rates as (
    select currency_code, known_rate from {{ ref('int_exchange_rates_daily') }} where date_day = {{ as_of_date() }}
),

items as (
    select
        spans.subscription_item_id,
        spans.subscription_id,
        spans.customer_id,
        spans.valid_from_on,
        spans.valid_to_on,
        case when spans.currency_code = {{ reporting_currency() }} then 1 else rates.known_rate end
        * spans.mrr_amount as mrr_amount,
        -- What is billed by the day or week is billed often enough to count by the month.
        cast(greatest(round(
            spans.billing_period_count
            * case spans.billing_period when 'month' then 1 when 'quarter' then 3 when 'year' then 12 else 0 end
        ), 1) as integer) as period_months
    from {{ ref('int_subscription_item_spans') }} as spans
    left join rates on spans.currency_code = rates.currency_code
    where spans.mrr_amount > 0
),

covered as (
    select subscription_item_id, max(service_ended_on) as covered_to_on
    from {{ ref('int_revenue_documents') }}
    where line_kind = 'invoice_line' and gone_on is null and amount > 0 and issued_on <= {{ as_of_date() }}
    group by subscription_item_id
),

renewals as (
    select
        items.period_months,
        items.mrr_amount,
        cast({{ dbt.date_trunc('month', 'greatest(covered.covered_to_on, ' ~ add_days(as_of_date(), 1) ~ ')') }}
            as date) as month_start_on
    from items
    inner join {{ ref('int_subscription_item_terms') }} as terms
        on items.subscription_item_id = terms.subscription_item_id and {{ valid_on('terms', as_of_date()) }}
    left join covered on items.subscription_item_id = covered.subscription_item_id
    where {{ valid_on('items', as_of_date()) }}
        -- What is known to end before is not billed again.
        and terms.told_ends_on > greatest(covered.covered_to_on, {{ add_days(as_of_date(), 1) }})
),

won as (
    select items.period_months, max(items.mrr_amount) as mrr_amount
    from items
    inner join {{ ref('stg_billing__subscriptions') }} as subscriptions
        on items.subscription_id = subscriptions.subscription_id
    where subscriptions.deal_key is not null and subscriptions.known_on <= {{ as_of_date() }}
    group by items.subscription_item_id, items.period_months
),

months as (
    select as_of_date, month_start_on, {{ add_days('month_start_on', -1) }} as opened_on
    from {{ ref('int_as_of_dates') }}
    where
        month_start_on >= {{ dbt.dateadd('month', -12, as_of_date()) }}
        and as_of_date = {{ dbt.last_day('as_of_date', 'month') }}
),

kept as (
    select
        months.month_start_on,
        coalesce(items.customer_id, items.subscription_id) as customer_id,
        sum(items.mrr_amount) filter (where {{ valid_on('items', 'months.opened_on') }}) as opening_amount,
        sum(items.mrr_amount) filter (where {{ valid_on('items', 'months.as_of_date') }}) as closing_amount
    from months
    inner join items on items.valid_from_on <= months.as_of_date and items.valid_to_on > months.opened_on
    group by months.month_start_on, coalesce(items.customer_id, items.subscription_id)
),

flows as (
    select 'renewal' as flow, month_start_on, period_months, sum(mrr_amount * period_months) as amount
    from renewals
    group by month_start_on, period_months

    union all

    select 'won' as flow, cast(null as date) as month_start_on, period_months, sum(mrr_amount) as amount
    from won
    group by period_months

    union all

    select
        'retention' as flow, month_start_on, cast(null as integer) as period_months,
        sum(least(coalesce(closing_amount, 0), opening_amount)) / nullif(sum(opening_amount), 0) as amount
    from kept
    where opening_amount > 0
    group by month_start_on

    union all

    select
        'scheduled' as flow, periods.month_start_on, cast(null as integer) as period_months,
        sum(periods.recognised_amount
            * case when lines.currency_code = {{ reporting_currency() }} then 1 else rates.known_rate end) as amount
    from {{ ref('int_revenue_periods') }} as periods
    inner join {{ ref('int_revenue_lines') }} as lines on periods.revenue_line_id = lines.revenue_line_id
    left join rates on lines.currency_code = rates.currency_code
    where periods.period_end_on > {{ as_of_date() }}
    group by periods.month_start_on
)

select
    {{ as_of_date() }} as as_of_date,
    flow,
    month_start_on,
    period_months,
    cast(amount as {{ type_double() }}) as amount
from flows
where amount <> 0 or flow = 'retention'
