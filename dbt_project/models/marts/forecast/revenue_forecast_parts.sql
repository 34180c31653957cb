-- Grain: one row per month and segment: what the distribution of a month's revenue is made of.
{%- set figures = [
    'closed_amount', 'open_mean', 'open_variance', 'open_third_cumulant', 'created_mean', 'created_variance',
    'created_third_cumulant', 'created_level_variance', 'created_error_variance', 'common_variance', 'segment_variance',
    'month_correlation'
] %}
select
    parts.as_of_date,
    parts.month_start_on,
    parts.segment_id,
    {%- for figure in figures %}
    parts.{{ figure }} {{- ',' if not loop.last }}
    {%- endfor %}
from {{ source('scoring', 'revenue_forecast_parts') }} as parts
inner join {{ source('scoring', 'published_runs') }} as runs on parts.run_id = runs.run_id
where parts.as_of_date = {{ as_of_date() }}
