-- Grain: one row per segment any account was ever in, as far as known by the as-of date.
-- Only the columns that make a segment are filled: the others would not be the same for all of it.
{%- set columns = ['segment', 'region', 'industry', 'country_code'] %}
{%- set names = {'segment': 'account_segment'} %}
with seen as (
    select
        segment_id,
        {%- for column in columns %}
        {{ names.get(column, column) if column in segment_columns() else 'cast(null as ' ~ dbt.type_string() ~ ')' }}
            as {{ names.get(column, column) }},
        {%- endfor %}
        valid_from_on,
        valid_to_on
    from {{ ref('int_account_spans') }}
    where valid_from_on <= {{ as_of_date() }}
)

select
    segment_id,
    {%- for column in columns %}
    max({{ names.get(column, column) }}) as {{ names.get(column, column) }},
    {%- endfor %}
    min(valid_from_on) as first_valid_on,
    case when max(valid_to_on) <= {{ as_of_date() }} then max(valid_to_on) end as last_valid_on
from seen
group by segment_id
