-- Grain: one row per deal and time it was closed (again).
-- A closing counts in the trailing year from the first as-of date that knew it until the first that
-- is a year past it, or at which it was undone by a reopening, deletion or merge.
select
    deal_id,
    run_from_on,
    run_to_on,
    status = 'won' as is_won,
    closed_on,
    owner_id,
    account_id,
    segment_id,
    '(all)' as company_id,
    {{ first_as_of('run_from_on') }} as enters_on,
    {{ first_as_of('run_to_on') }} as undone_on,
    {{ first_as_of('least(run_to_on, ' ~ add_days('closed_on', 365) ~ ')') }} as leaves_year_on
from {{ ref('int_deal_runs') }}
where status in ('won', 'lost')
