{#- Holds for every row in which it can be told; unknown (null) passes. -#}
{% test expression_is_true(model, expression) %}
select *
from {{ model }}
where not ({{ expression }})
{% endtest %}
