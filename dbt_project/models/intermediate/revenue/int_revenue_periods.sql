-- Grain: one row per revenue line and period at whose end something of it is another than at the beginning.
-- Periods are months, parted at the as-of date; later ones are the schedule as it stands. All amounts are changes:
-- recognised + deferred - unbilled = billed + corrected + voided.
with ranges as (
    select
        lines.revenue_line_id,
        lines.amount,
        lines.issued_on,
        lines.gone_on,
        min(spans.valid_from_on) as first_on,
        coalesce(lines.gone_on, max(spans.valid_from_on)) as last_on
    from {{ ref('int_revenue_lines') }} as lines
    inner join {{ ref('int_revenue_spans') }} as spans on lines.revenue_line_id = spans.revenue_line_id
    group by lines.revenue_line_id, lines.amount, lines.issued_on, lines.gone_on
),

ends as (
    select dates.date_day as period_end_on, dates.month_start_on, dates.month_end_on
    from {{ ref('int_dates_spined') }} as dates
    inner join (select min(first_on) as first_on, max(last_on) as last_on from ranges) as bounds
        on dates.month_end_on >= bounds.first_on and dates.month_start_on <= bounds.last_on
    where dates.is_month_end or dates.date_day = {{ as_of_date() }}
),

states as (
    select
        ranges.*,
        ends.period_end_on,
        ends.month_start_on,
        coalesce(spans.consideration_amount, 0) as consideration_amount,
        coalesce(spans.is_billed, false) as is_billed,
        coalesce({{ unearned_on('spans', 'ends.period_end_on') }}, 0) as unearned_amount
    from ranges
    inner join ends on ends.month_end_on >= ranges.first_on and ends.month_start_on <= ranges.last_on
    left join {{ ref('int_revenue_spans') }} as spans
        on ranges.revenue_line_id = spans.revenue_line_id
        and ends.period_end_on >= spans.valid_from_on and ends.period_end_on < spans.valid_to_on
),

positions as (
    select
        *,
        consideration_amount - unearned_amount as recognised_to_date,
        case when is_billed then unearned_amount else 0 end as deferred_to_date,
        case when is_billed then 0 else consideration_amount - unearned_amount end as unbilled_to_date,
        case when is_billed then consideration_amount else 0 end as billed_to_date,
        lag(period_end_on) over (partition by revenue_line_id order by period_end_on) as previous_end_on
    from states
),

moved as (
    select
        *,
        {%- for name in ['recognised', 'deferred', 'unbilled', 'billed'] %}
        {{ name }}_to_date - coalesce(
            lag({{ name }}_to_date) over (partition by revenue_line_id order by period_end_on), 0
        ) as {{ name }}_amount,
        {%- endfor %}
        issued_on <= period_end_on and (previous_end_on is null or issued_on > previous_end_on) as is_issued,
        gone_on <= period_end_on and (previous_end_on is null or gone_on > previous_end_on) as is_gone
    from positions
),

final as (
    select
        moved.*,
        case when is_issued then amount else 0 end as issued_amount,
        case when is_gone then coalesce(-last_spans.consideration_amount, 0) else 0 end as voided_amount
    from moved
    left join {{ ref('int_revenue_spans') }} as last_spans
        on moved.revenue_line_id = last_spans.revenue_line_id and moved.gone_on = last_spans.valid_to_on
)

select
    revenue_line_id,
    period_end_on,
    month_start_on,
    {%- for name in ['issued', 'voided', 'recognised', 'deferred', 'unbilled'] %}
    cast({{ name }}_amount as {{ type_money() }}) as {{ name }}_amount,
    {%- endfor %}
    cast(billed_amount - issued_amount - voided_amount as {{ type_money() }}) as corrected_amount
from final
where issued_amount <> 0 or voided_amount <> 0 or recognised_amount <> 0 or deferred_amount <> 0
    or unbilled_amount <> 0 or billed_amount <> 0
