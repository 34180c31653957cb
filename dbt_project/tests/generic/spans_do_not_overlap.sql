{#- Spans of one key are not empty and follow one another; validity is exclusive at its end. -#}
{% test spans_do_not_overlap(model, key, valid_from='valid_from_on', valid_to='valid_to_on') %}
with followed as (
    select
        {{ key }},
        {{ valid_from }},
        {{ valid_to }},
        lead({{ valid_from }}) over (partition by {{ key }} order by {{ valid_from }}) as next_from
    from {{ model }}
)

select {{ key }}, {{ valid_from }}, {{ valid_to }}, next_from
from followed
where {{ valid_to }} <= {{ valid_from }} or {{ valid_to }} > next_from
{% endtest %}
