-- Grain: one row per deal and span of days on which it was known to be closed (exclusive at its end).
-- In a row the amount, the day of closing and the outcome are what was told by then; see int_deals_current. Spans between
-- which nothing of it changed are one.
{{ config(materialized='view') }}

{%- set told = ['segment_id', 'closed_on', 'closed_known_on', 'is_won', 'won_amount', 'currency_code'] %}

with spans as (
    select
        spans.deal_id,
        spans.valid_from_on as known_from_on,
        case
            when spans.valid_to_on <= {{ as_of_date() }} then spans.valid_to_on
            else {{ end_of_time() }}
        end as known_to_on,
        runs.segment_id,
        coalesce(spans.stage_entered_on, runs.closed_on) as closed_on,
        spans.status_from_on as closed_known_on,
        spans.is_won,
        case when spans.is_won then spans.amount end as won_amount,
        case when spans.is_won then spans.currency_code end as currency_code
    from {{ ref('int_deal_spans') }} as spans
    inner join {{ ref('int_deal_runs') }} as runs
        on spans.deal_id = runs.deal_id and spans.status_from_on = runs.run_from_on
    where spans.status in ('won', 'lost') and spans.valid_from_on <= {{ as_of_date() }}
),

-- Spans of one closing follow each other without a gap, so neighbours that tell the same have the same difference.
numbered as (
    select
        *,
        row_number() over (partition by deal_id order by known_from_on)
        - row_number() over (partition by deal_id, {{ told | join(', ') }} order by known_from_on) as difference
    from spans
)

select
    deal_id,
    min(known_from_on) as known_from_on,
    max(known_to_on) as known_to_on,
    {%- for column in told %}
    {{ column }} {{- ',' if not loop.last }}
    {%- endfor %}
from numbered
group by deal_id, difference, {{ told | join(', ') }}
