-- Grain: one row per revenue line and piece of it that is earned evenly over the days [starts_on, ends_on).
-- Weights say how much of the line a piece is: days of the period, or money of a milestone. They add up to
-- total_weight, but for milestones without a day yet.
with periods as (
    select
        *,
        {{ days_between('recognised_from_on', 'recognised_to_on') }} as total_weight,
        coalesce(service_cut_on, recognised_to_on) as evenly_to_on
    from {{ ref('int_revenue_lines') }}
    where recognition_method <> 'milestone'
),

milestones as (
    select
        lines.revenue_line_id,
        milestones.milestone_id,
        abs(lines.amount) as line_weight,
        greatest(sign(lines.amount) * coalesce(
            milestones.amount, lines.amount * cast(milestones.share_rate as decimal(28, 10))
        ), 0) as weight,
        -- Completion in the past is a fact; what is still to come has a planned day at most.
        case
            when milestones.completed_on <= {{ as_of_date() }} then milestones.completed_on
            when milestones.planned_on > {{ as_of_date() }} then milestones.planned_on
        end as earned_on
    from {{ ref('int_revenue_lines') }} as lines
    inner join {{ ref('stg_invoicing__revenue_milestones') }} as milestones
        on lines.revenue_line_id = milestones.invoice_line_id
    where lines.recognition_method = 'milestone' and lines.line_kind = 'invoice_line'
        and milestones.known_on <= {{ as_of_date() }}
        and (milestones.deleted_on is null or milestones.deleted_on > {{ as_of_date() }})
),

-- Milestones never earn more than the line: those completed first come first.
daily_milestones as (
    select
        revenue_line_id,
        earned_on,
        max(line_weight) as line_weight,
        sum(weight) as weight,
        sum(sum(weight)) over (partition by revenue_line_id order by earned_on) as weight_so_far
    from milestones
    where earned_on is not null
    group by revenue_line_id, earned_on
)

select
    revenue_line_id,
    recognised_from_on as starts_on,
    evenly_to_on as ends_on,
    cast({{ days_between('recognised_from_on', 'evenly_to_on') }} as decimal(28, 10)) as weight,
    cast(total_weight as decimal(28, 10)) as total_weight
from periods
where evenly_to_on > recognised_from_on

union all

-- What is left when the service ends before its time is earned on that day.
select
    revenue_line_id,
    service_cut_on as starts_on,
    {{ add_days('service_cut_on', 1) }} as ends_on,
    cast({{ days_between('service_cut_on', 'recognised_to_on') }} as decimal(28, 10)) as weight,
    cast(total_weight as decimal(28, 10)) as total_weight
from periods
where service_cut_on < recognised_to_on

union all

select
    revenue_line_id,
    earned_on as starts_on,
    {{ add_days('earned_on', 1) }} as ends_on,
    cast(least(weight_so_far, line_weight) - least(weight_so_far - weight, line_weight) as decimal(28, 10)) as weight,
    cast(line_weight as decimal(28, 10)) as total_weight
from daily_milestones
