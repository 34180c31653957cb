-- What months close on is what the pipeline summary says was open, and opening + changes = closing.
with changes as (
    select
        closing_on as as_of_date, owner_id, segment_id, currency_code,
        sum(deal_count) filter (where cause = 'closing') as closing_count,
        sum(deal_count) filter (where cause <> 'closing') as added_count,
        sum(amount) filter (where cause = 'closing') as closing_amount,
        sum(amount) filter (where cause <> 'closing') as added_amount,
        sum(reporting_amount) filter (where cause = 'closing') as closing_reporting_amount,
        sum(reporting_amount) filter (where cause <> 'closing') as added_reporting_amount
    from {{ ref('pipeline_changes_monthly') }}
    group by closing_on, owner_id, segment_id, currency_code
),

summary as (
    select
        as_of_date, owner_id, segment_id, currency_code,
        sum(deal_count) as deal_count,
        sum(amount) as amount,
        sum(reporting_amount) as reporting_amount
    from {{ ref('pipeline_summary') }}
    -- The first as-of date closes no month, whether anything was open on it or not.
    where as_of_date > (select min(as_of_date) from {{ ref('int_as_of_dates') }})
    group by as_of_date, owner_id, segment_id, currency_code
),

compared as (
    select
        coalesce(changes.as_of_date, summary.as_of_date) as as_of_date,
        {%- for column in ['owner_id', 'segment_id', 'currency_code'] %}
        coalesce(changes.{{ column }}, summary.{{ column }}) as {{ column }},
        {%- endfor %}
        coalesce(changes.closing_count, 0) as closing_count,
        coalesce(changes.added_count, 0) as added_count,
        coalesce(summary.deal_count, 0) as summary_count,
        coalesce(changes.closing_amount, 0) as closing_amount,
        coalesce(changes.added_amount, 0) as added_amount,
        coalesce(summary.amount, 0) as summary_amount,
        coalesce(changes.closing_reporting_amount, 0) as closing_reporting_amount,
        coalesce(changes.added_reporting_amount, 0) as added_reporting_amount,
        coalesce(summary.reporting_amount, 0) as summary_reporting_amount
    from changes
    full join summary
        on changes.as_of_date = summary.as_of_date
        and coalesce(changes.owner_id, '') = coalesce(summary.owner_id, '')
        and changes.segment_id = summary.segment_id
        and coalesce(changes.currency_code, '') = coalesce(summary.currency_code, '')
)

select *
from compared
where closing_count <> added_count or closing_count <> summary_count
    or closing_amount <> added_amount or closing_amount <> summary_amount
    or closing_reporting_amount <> added_reporting_amount or closing_reporting_amount <> summary_reporting_amount
