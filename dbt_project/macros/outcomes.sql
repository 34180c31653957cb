{#- The same counts at every as-of date of each <key>. -#}
{% macro count_closings(closings, key, leaves_on) %}
with tallied as (
    {{ tally_closings(closings, key, leaves_on) }}
)

select
    tallied.{{ key }},
    dates.as_of_date,
    tallied.closed_deal_count,
    tallied.won_deal_count
from tallied
inner join {{ ref('int_as_of_dates') }} as dates on {{ valid_on('tallied', 'dates.as_of_date') }}
{% endmacro %}

{#-
  Closed and won deals of each <key>, as spans over as-of dates: every closing adds one where it enters
  and takes one away where it leaves, and a running sum gives the count. No as-of date sees a closing
  that was not known by then, and the work is one pass, not one per as-of date. A closing that is known
  only when it would have left already never counts.
-#}
{% macro tally_closings(closings, key, leaves_on) %}
with events as (
    select {{ key }}, enters_on as valid_from_on, 1 as closed_delta, case when is_won then 1 else 0 end as won_delta
    from {{ closings }}
    where {{ leaves_on }} is null or {{ leaves_on }} > enters_on

    union all

    select {{ key }}, {{ leaves_on }}, -1, case when is_won then -1 else 0 end
    from {{ closings }}
    where {{ leaves_on }} > enters_on
),

changed as (
    select {{ key }}, valid_from_on, sum(closed_delta) as closed_delta, sum(won_delta) as won_delta
    from events
    where valid_from_on is not null and {{ key }} is not null
    group by {{ key }}, valid_from_on
)

select
    {{ key }},
    valid_from_on,
    coalesce(
        lead(valid_from_on) over (partition by {{ key }} order by valid_from_on), {{ end_of_time() }}
    ) as valid_to_on,
    cast(sum(closed_delta) over passed as integer) as closed_deal_count,
    cast(sum(won_delta) over passed as integer) as won_deal_count
from changed
window passed as (
    partition by {{ key }} order by valid_from_on rows between unbounded preceding and current row
)
{% endmacro %}

{#- Validity of spans on an as-of date. -#}
{% macro valid_on(spans, day) -%}
{{ day }} >= {{ spans }}.valid_from_on and {{ day }} < {{ spans }}.valid_to_on
{%- endmacro %}
