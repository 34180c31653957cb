-- Grain: one row per revenue line and span of days within which it is earned evenly.
-- consideration_amount is what is charged for it after all corrections so far. unearned_from_amount is the part of it
-- not earned when the span begins, unearned_to_amount when it ends. A voided line has no span after its end.
-- A correction changes what is not earned yet, in proportion over the rest; a credit beyond that takes back what was
-- earned. Scaled to the whole line, what is unearned is therefore a sum that is reflected at zero:
-- S - min(0, lowest S so far), S being the amount and all corrections so far, each divided by the share left on its day.
with changes as (
    select changed_line_id as revenue_line_id, changed_on, amount from {{ ref('int_revenue_corrections') }}
    union all
    select changed_line_id as revenue_line_id, gone_on as changed_on, -amount as amount
    from {{ ref('int_revenue_corrections') }}
    where gone_on > changed_on
),

daily_changes as (
    select changes.revenue_line_id, changes.changed_on, sum(changes.amount) as amount
    from changes
    inner join {{ ref('int_revenue_lines') }} as lines on changes.revenue_line_id = lines.revenue_line_id
    where lines.gone_on is null or changes.changed_on < lines.gone_on
    group by changes.revenue_line_id, changes.changed_on
),

breaks as (
    select revenue_line_id, issued_on as break_on from {{ ref('int_revenue_lines') }}
    union distinct
    select revenue_line_id, gone_on from {{ ref('int_revenue_lines') }} where gone_on is not null
    union distinct
    select revenue_line_id, changed_on from daily_changes
    union distinct
    select revenue_line_id, starts_on from {{ ref('int_revenue_pieces') }}
    union distinct
    select revenue_line_id, ends_on from {{ ref('int_revenue_pieces') }}
),

weighed as (
    select
        breaks.revenue_line_id,
        breaks.break_on,
        coalesce(max(pieces.total_weight), 1) as total_weight,
        coalesce(max(pieces.total_weight), 1) - coalesce(sum(
            case
                when breaks.break_on >= pieces.ends_on then pieces.weight
                when breaks.break_on > pieces.starts_on
                    then pieces.weight * {{ days_between('pieces.starts_on', 'breaks.break_on') }}
                        / {{ days_between('pieces.starts_on', 'pieces.ends_on') }}
                else 0
            end
        ), 0) as left_weight
    from breaks
    left join {{ ref('int_revenue_pieces') }} as pieces on breaks.revenue_line_id = pieces.revenue_line_id
    group by breaks.revenue_line_id, breaks.break_on
),

scaled as (
    select
        weighed.*,
        lines.issued_on,
        lines.gone_on,
        case when lines.amount < 0 then -1 else 1 end as direction,
        coalesce(daily_changes.amount, 0) as change_amount,
        lines.amount + sum(coalesce(daily_changes.amount, 0)) over passed as consideration_amount,
        abs(lines.amount) + sum(
            case when lines.amount < 0 then -1 else 1 end * cast(coalesce(daily_changes.amount, 0) as decimal(28, 10))
            * weighed.total_weight / nullif(weighed.left_weight, 0)
        ) over passed as virtual_amount
    from weighed
    inner join {{ ref('int_revenue_lines') }} as lines on weighed.revenue_line_id = lines.revenue_line_id
    left join daily_changes
        on weighed.revenue_line_id = daily_changes.revenue_line_id and weighed.break_on = daily_changes.changed_on
    window passed as (partition by weighed.revenue_line_id order by weighed.break_on)
),

reflected as (
    select
        *,
        direction * (virtual_amount - least(0, min(virtual_amount) over passed)) / nullif(total_weight, 0)
            as unit_amount,
        coalesce(lead(break_on) over passed, {{ end_of_time() }}) as next_on,
        coalesce(lead(left_weight) over passed, left_weight) as next_weight
    from scaled
    window passed as (partition by revenue_line_id order by break_on)
)

select
    revenue_line_id,
    break_on as valid_from_on,
    next_on as valid_to_on,
    break_on >= issued_on as is_billed,
    cast(consideration_amount as {{ type_money() }}) as consideration_amount,
    cast(coalesce(unit_amount * left_weight, 0) as decimal(28, 10)) as unearned_from_amount,
    cast(coalesce(unit_amount * next_weight, 0) as decimal(28, 10)) as unearned_to_amount
from reflected
where gone_on is null or break_on < gone_on
