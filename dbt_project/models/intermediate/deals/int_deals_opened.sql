-- Grain: one row per deal and as-of date at whose end it was open.
{{ config(materialized='view') }}

select
    dates.as_of_date,
    spans.*
from {{ ref('int_deal_spans') }} as spans
inner join {{ ref('int_as_of_dates') }} as dates
    on dates.as_of_date >= spans.first_as_of_date and dates.as_of_date < spans.valid_to_on
where spans.is_open and spans.first_as_of_date < spans.valid_to_on
