-- Every month's chances lie between 0 and 1, and what was won or lost up to a month and what is open at its end add up to 1.
with summed as (
    select
        deal_id,
        month_start_on,
        win_probability,
        loss_probability,
        still_open_probability,
        sum(win_probability + loss_probability)
            over (partition by deal_id order by month_start_on) as closed_probability
    from {{ ref('deal_close_timing') }}
)

select *
from summed
where
    abs(closed_probability + still_open_probability - 1) > 1e-9
    or win_probability < -1e-9
    or loss_probability < -1e-9
    or still_open_probability < -1e-9
