-- Open deals of the history and rows of ftr_deals, as-of date by as-of date.
with opened as (
    select dates.as_of_date, count(*) as deal_count
    from {{ ref('int_as_of_dates') }} as dates
    inner join {{ ref('int_deal_runs') }} as runs
        on dates.as_of_date >= runs.run_from_on and dates.as_of_date < runs.run_to_on
    where runs.status = 'open'
    group by dates.as_of_date
),

featured as (
    select as_of_date, count(*) as deal_count
    from {{ ref('ftr_deals') }}
    group by as_of_date
)

select
    coalesce(opened.as_of_date, featured.as_of_date) as as_of_date,
    opened.deal_count as open_deal_count,
    featured.deal_count as feature_row_count
from opened
full outer join featured on opened.as_of_date = featured.as_of_date
where opened.deal_count is distinct from featured.deal_count
