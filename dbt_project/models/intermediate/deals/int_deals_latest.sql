-- Grain: one row per deal known by the as-of date, in its state at the end of that date.
{{ config(materialized='view') }}

select
    {{ as_of_date() }} as as_of_date,
    spans.*
from {{ ref('int_deal_spans') }} as spans
where {{ valid_on('spans', as_of_date()) }}
