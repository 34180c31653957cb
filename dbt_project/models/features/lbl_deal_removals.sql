-- Grain: one row per deal and span of days on which it was known to be deleted or merged (exclusive at its end).
-- Such a deal has no outcome; what is learnt from open deals follows it until the day it left them.
with runs as (
    select
        deal_id,
        status,
        run_from_on,
        run_to_on,
        lag(status) over (partition by deal_id order by run_from_on) as previous_status
    from {{ ref('int_deal_runs') }}
    where run_from_on <= {{ as_of_date() }}
),

followed as (
    select
        *,
        -- A deal that was closed before it was deleted left the open deals when it was closed.
        max(case when coalesce(previous_status, 'open') = 'open' then run_from_on end) over (
            partition by deal_id order by run_from_on rows between unbounded preceding and current row
        ) as left_open_on
    from runs
)

select
    deal_id,
    run_from_on as known_from_on,
    case when run_to_on <= {{ as_of_date() }} then run_to_on else {{ end_of_time() }} end as known_to_on,
    left_open_on
from followed
where status in ('deleted', 'merged')
