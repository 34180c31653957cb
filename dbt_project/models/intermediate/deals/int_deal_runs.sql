-- Grain: one row per deal and unbroken run of one status (validity is exclusive at its end).
-- Owner, account and segment are those at the start of the run: what happens later does not change who won.
with runs as (
    select
        deal_id,
        status,
        valid_from_on as run_from_on,
        coalesce(
            lead(valid_from_on) over (partition by deal_id order by valid_from_on), {{ end_of_time() }}
        ) as run_to_on,
        case when status in ('won', 'lost') then coalesce(stage_entered_on, valid_from_on) end as closed_on,
        owner_id,
        account_id
    from {{ ref('int_deal_spans') }}
    where valid_from_on = status_from_on
)

select
    runs.*,
    coalesce(accounts.segment_id, {{ unknown_segment() }}) as segment_id
from runs
left join {{ ref('int_account_spans') }} as accounts
    on runs.account_id = accounts.account_id
    and runs.run_from_on >= accounts.valid_from_on
    and runs.run_from_on < accounts.valid_to_on
